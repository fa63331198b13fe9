//! What a way of updating costs, and the table that compares two ways.

use std::ops::AddAssign;

use rockon_sync_tests::Exchange;

/// Requests, and the bytes of the bodies that came back.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Cost {
    pub(crate) requests: u64,
    pub(crate) bytes: u64,
}

impl Cost {
    /// What a server has seen.
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

/// One line of the table.
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

    /// Everything so far, by us and by brute force.
    pub(crate) fn totals(&self) -> (Cost, Cost) {
        let mut totals = (Cost::default(), Cost::default());
        for row in &self.rows {
            totals.0 += row.ours;
            totals.1 += row.brute_force;
        }
        totals
    }

    /// The lines to print.
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
        lines.extend([rule, line("together", ours, brute_force)]);
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

/// A number with a comma every three digits.
pub(crate) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at) % 3 == 0 {
            text.push(',');
        }
        text.push(digit);
    }
    text
}
