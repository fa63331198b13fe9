//! One source of the list.

use std::time::Duration;

use super::{DEFAULT_TOKEN_NAME, Secret};
use crate::base::error::{Error, ErrorKind, Result};
use crate::net::credentials::Credentials;
use crate::net::location::Location;
use crate::source::{Source, SourceName};
use crate::tree::note::VerifierKey;

/// One source of the list. It names its credentials, but does not contain them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedSource {
    /// Without credentials.
    source: Source,
    pub(super) is_enabled: bool,
    pub(super) token: Option<NamedSecret>,
    pub(super) header: Option<NamedSecret>,
    pub(super) password: Option<NamedSecret>,
}

/// A secret with the name of the query parameter, header or user that it belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct NamedSecret {
    pub(super) name: String,
    pub(super) secret: Secret,
}

impl ListedSource {
    /// Creates an enabled source with one mirror.
    pub fn new(name: SourceName, mirror: Location) -> ListedSource {
        ListedSource {
            source: Source::new(name, mirror),
            is_enabled: true,
            token: None,
            header: None,
            password: None,
        }
    }

    /// Adds a mirror of the same catalog.
    #[must_use]
    pub fn with_mirror(mut self, mirror: Location) -> Self {
        self.source = self.source.with_mirror(mirror);
        self
    }

    /// Adds a trusted key: see [`Source::trust`].
    #[must_use]
    pub fn trust(mut self, key: VerifierKey) -> Self {
        self.source = self.source.trust(key);
        self
    }

    /// Limits the duration of an update of this source. Rounded down to whole seconds, at
    /// least one.
    #[must_use]
    pub fn with_timeout(mut self, timeout: Duration) -> Self {
        let timeout = Duration::from_secs(timeout.as_secs().max(1));
        self.source = self.source.with_timeout(timeout);
        self
    }

    /// Sends a token in the query. The parameter is `token` unless `name` is given.
    #[must_use]
    pub fn with_token(mut self, name: Option<&str>, token: Secret) -> Self {
        let name = name.unwrap_or(DEFAULT_TOKEN_NAME).to_owned();
        self.token = Some(NamedSecret { name, secret: token });
        self
    }

    /// Sends a header.
    #[must_use]
    pub fn with_header(mut self, name: &str, value: Secret) -> Self {
        self.header = Some(NamedSecret { name: name.to_owned(), secret: value });
        self
    }

    /// Sends user and password.
    #[must_use]
    pub fn with_password(mut self, user: &str, password: Secret) -> Self {
        self.password = Some(NamedSecret { name: user.to_owned(), secret: password });
        self
    }

    /// Returns the name.
    pub fn name(&self) -> &SourceName {
        self.source.name()
    }

    /// Returns the mirrors, in the order in which they are asked.
    pub fn mirrors(&self) -> &[Location] {
        self.source.mirrors()
    }

    /// Returns the trusted keys. At least one must have signed the head.
    pub fn trusted_keys(&self) -> &[VerifierKey] {
        self.source.trusted_keys()
    }

    /// Returns the limit on the duration of an update of this source, if set.
    pub fn timeout(&self) -> Option<Duration> {
        self.source.timeout()
    }

    /// True if updates ask this source. A disabled source keeps its local copy.
    pub fn is_enabled(&self) -> bool {
        self.is_enabled
    }

    /// Returns the places of the secrets, each with the text that it is sent after:
    /// `?<parameter>=`, `<header>:` or `<user>:`.
    pub fn secrets(&self) -> impl Iterator<Item = (String, &Secret)> {
        let token = self.token.iter().map(|token| (format!("?{}=", token.name), &token.secret));
        let others = self.header.iter().chain(&self.password);
        token.chain(others.map(|named| (format!("{}:", named.name), &named.secret)))
    }

    /// Returns the source with its credentials, which are read now.
    ///
    /// # Errors
    /// [`ErrorKind::Argument`] if a variable is not set or a secret cannot be sent;
    /// [`ErrorKind::Store`] if a file cannot be read.
    pub fn open(&self) -> Result<Source> {
        let mut credentials = Credentials::new();
        if let Some(token) = &self.token {
            credentials = credentials.with_query(&token.name, &**token.secret.read()?);
        }
        if let Some(header) = &self.header {
            credentials = credentials.with_header(&header.name, &**header.secret.read()?)?;
        }
        if let Some(password) = &self.password {
            credentials = credentials.with_password(&password.name, &password.secret.read()?)?;
        }
        Ok(self.source.clone().with_credentials(credentials))
    }

    /// Fails if a URL contains a password or a query.
    pub(super) fn check_for_secrets(&self) -> Result<()> {
        match self.mirrors().iter().find(|mirror| mirror.has_secrets()) {
            None => Ok(()),
            Some(mirror) => Err(Error::new(
                ErrorKind::Argument,
                format!(
                    "{mirror}: the list cannot contain a password or a query; name its place \
                     with token_env, header or user and password_env"
                ),
            )),
        }
    }
}
