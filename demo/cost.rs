//! The cost of an update, and a table that compares two ways to update.

use std::ops::AddAssign;

use rockon_sync_tests::Exchange;

/// Requests, and bytes of response bodies.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Cost {
    pub(crate) requests: u64,
    pub(crate) bytes: u64,
}

impl Cost {
    /// Returns the cost according to a server's log.
    pub(crate) fn of(log: &[Exchange]) -> Cost {
        Cost {
            requests: log.len() as u64,
            bytes: log.iter().map(|exchange| exchange.body_len).sum(),
        }
    }
}

impl AddAssign for Cost {
    fn add_assign(&mut self, other: Cost) {
        self.requests += other.requests;
        self.bytes += other.bytes;
    }
}

/// One row of the table.
#[derive(Debug)]
struct Row {
    step: &'static str,
    ours: Cost,
    brute_force: Cost,
}

/// Both ways side by side, step by step.
#[derive(Debug, Default)]
pub(crate) struct Table {
    rows: Vec<Row>,
}

impl Table {
    pub(crate) fn add(&mut self, step: &'static str, ours: Cost, brute_force: Cost) {
        self.rows.push(Row { step, ours, brute_force });
    }

    /// Returns the costs so far, ours and by brute force.
    pub(crate) fn totals(&self) -> (Cost, Cost) {
        let mut totals = (Cost::default(), Cost::default());
        for row in &self.rows {
            totals.0 += row.ours;
            totals.1 += row.brute_force;
        }
        totals
    }

    /// Returns the lines to print.
    pub(crate) fn lines(&self) -> Vec<String> {
        let rule = "-".repeat(77);
        let mut lines = vec![
            format!("{:<35}{:>19}{:>23}", "", "rockon-sync", "brute force"),
            format!(
                "{:<35}{:>9}{:>10}{:>13}{:>10}",
                "step", "requests", "bytes", "requests", "bytes"
            ),
            rule.clone(),
        ];
        lines.extend(self.rows.iter().map(|row| line(row.step, row.ours, row.brute_force)));
        let (ours, brute_force) = self.totals();
        lines.extend([rule, line("total", ours, brute_force)]);
        lines
    }
}

fn line(step: &str, ours: Cost, brute_force: Cost) -> String {
    format!(
        "{step:<35}{:>9}{:>10}{:>13}{:>10}",
        ours.requests,
        grouped(ours.bytes),
        brute_force.requests,
        grouped(brute_force.bytes)
    )
}

/// Formats a number with a comma every three digits.
pub(crate) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}
