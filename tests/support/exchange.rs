//! One request with its response, and the log of all of them.

/// One request and its response, as the server saw them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exchange {
    /// The method, e.g. `GET`.
    pub method: String,
    /// The request target as sent, with its query.
    pub target: String,
    /// The decoded path without its leading slash and without the query.
    pub path: String,
    /// The request headers in the order and case in which they were sent.
    pub headers: Vec<(String, String)>,
    /// The status of the response; 0 if none has been sent.
    pub status: u16,
    /// Body bytes written to the socket: after compression, without chunk framing.
    pub body_len: u64,
    /// The connection that the request used, counted from 0.
    pub connection: usize,
}

impl Exchange {
    /// Returns the first request header with this name, in any case.
    pub fn header(&self, name: &str) -> Option<&str> {
        find_header(&self.headers, name)
    }
}

/// Returns the first header with this name, in any case.
pub(crate) fn find_header<'a>(headers: &'a [(String, String)], name: &str) -> Option<&'a str> {
    headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
}

/// Identifies one exchange, even after it has been taken from the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Ticket(usize);

/// Exchanges in the order in which their requests arrived.
#[derive(Debug, Default)]
pub(crate) struct Log {
    entries: Vec<Exchange>,
    /// The number of entries taken out, which is the ticket of `entries[0]`.
    taken: usize,
}

impl Log {
    pub(crate) fn push(&mut self, exchange: Exchange) -> Ticket {
        self.entries.push(exchange);
        Ticket(self.taken + self.entries.len() - 1)
    }

    /// Returns the entry of a request that is still being answered; `None` if it has been taken.
    pub(crate) fn entry_mut(&mut self, ticket: Ticket) -> Option<&mut Exchange> {
        self.entries.get_mut(ticket.0.checked_sub(self.taken)?)
    }

    pub(crate) fn take(&mut self) -> Vec<Exchange> {
        self.taken += self.entries.len();
        std::mem::take(&mut self.entries)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn exchange(path: &str) -> Exchange {
        Exchange {
            method: "GET".into(),
            target: format!("/{path}"),
            path: path.into(),
            headers: vec![("Accept-Encoding".into(), "gzip".into())],
            status: 0,
            body_len: 0,
            connection: 0,
        }
    }

    #[test]
    fn header_names_are_found_in_any_case() {
        let exchange = exchange("a");
        assert_eq!(exchange.header("accept-encoding"), Some("gzip"));
        assert_eq!(exchange.header("accept"), None);
    }

    #[test]
    fn a_ticket_identifies_its_own_entry_only() {
        let mut log = Log::default();
        let first = log.push(exchange("first"));
        assert_eq!(log.take().len(), 1);
        let second = log.push(exchange("second"));
        assert_eq!(log.entry_mut(first), None);
        assert_eq!(log.entry_mut(second).map(|e| e.path.as_str()), Some("second"));
    }
}
