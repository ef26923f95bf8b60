//! What can go wrong on an exchange: whose fault it is, what the client is told, whether another
//! backend may be tried.

use crate::model::Dialect;

/// Why an exchange did not end with a backend's complete answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// The client broke the protocol; nothing of the request has reached a backend.
    #[error("bad request: {0}")]
    BadRequest(&'static str),
    /// The client's target is longer than the entry point allows.
    #[error("request target too long")]
    TargetTooLong,
    /// The client's head is longer than the entry point allows, or has too many fields.
    #[error("request head too large")]
    HeadTooLarge,
    /// The client asks for what we do not do: CONNECT, an unknown transfer coding.
    #[error("not implemented: {0}")]
    NotImplemented(&'static str),
    #[error("HTTP version not supported")]
    VersionNotSupported,
    /// The client began a head or body and did not go on.
    #[error("request timed out")]
    RequestTimeout,
    /// The client closed or reset its connection.
    #[error("client went away")]
    ClientGone,
    /// No router matches.
    #[error("no router matches")]
    NoRoute,
    /// The router's service has no backend that may be chosen.
    #[error("no backend is available")]
    NoBackend,
    /// The backend refused the connection, or no way leads to it.
    #[error("backend refused the connection")]
    DialFailed,
    #[error("backend did not accept the connection in time")]
    DialTimeout,
    /// A reused connection turned out to be closed before a byte of the response came.
    #[error("pooled connection was stale")]
    Stale,
    /// The backend has acknowledged nothing of what it was sent, for long: its host, or the way
    /// there, is gone.
    #[error("backend cannot be reached any more")]
    Unreachable,
    /// The backend closed or reset the connection in the middle of the exchange.
    #[error("backend closed the connection")]
    Reset,
    /// The backend's answer is not HTTP, or two parsers could read it differently.
    #[error("bad response: {0}")]
    BadResponse(&'static str),
    #[error("backend did not answer in time")]
    ResponseTimeout,
    /// The answer has a status that a fallback is to answer instead.
    #[error("backend answered {0}, which its fallback is to answer")]
    Unwanted(u16),
    /// There is no room for this request: no memory for buffers, no descriptor.
    #[error("out of memory or descriptors")]
    Overloaded,
    /// Something is wrong with us.
    #[error("internal error")]
    Internal,
}

impl Fault {
    /// The status that the client is told (Traefik's, where it has one); 499 is told to nobody
    /// and only counted.
    pub fn status(self) -> u16 {
        match self {
            Self::BadRequest(_) => 400,
            Self::TargetTooLong => 414,
            Self::HeadTooLarge => 431,
            Self::NotImplemented(_) => 501,
            Self::VersionNotSupported => 505,
            Self::RequestTimeout => 408,
            Self::ClientGone => 499,
            Self::NoRoute => 404,
            // Not the status that came: its answer is gone.
            Self::NoBackend | Self::Overloaded | Self::Unwanted(_) => 503,
            Self::DialFailed | Self::Stale | Self::Reset | Self::BadResponse(_) => 502,
            Self::DialTimeout | Self::ResponseTimeout | Self::Unreachable => 504,
            Self::Internal => 500,
        }
    }

    /// The body that goes with it, as each generation of Traefik writes it.
    pub fn body(self, dialect: Dialect) -> &'static str {
        match self {
            Self::NoRoute => "404 page not found\n",
            Self::NoBackend if dialect == Dialect::V3 => "no available server\n",
            Self::BadRequest(why) | Self::NotImplemented(why) => why,
            _ => reason(self.status()),
        }
    }

    /// No byte of the request was written, so any request may be tried elsewhere
    /// (RFC 9110 section 9.2.2).
    pub fn is_before_request(self) -> bool {
        matches!(self, Self::DialFailed | Self::DialTimeout)
    }

    /// The backend is to blame, as far as choosing it again goes.
    pub fn is_backends(self) -> bool {
        matches!(
            self,
            Self::DialFailed
                | Self::DialTimeout
                | Self::Unreachable
                | Self::Reset
                | Self::BadResponse(_)
                | Self::ResponseTimeout
        )
    }
}

/// The reason phrase of a status that we produce.
pub fn reason(status: u16) -> &'static str {
    match status {
        400 => "Bad Request",
        404 => "Not Found",
        408 => "Request Timeout",
        414 => "URI Too Long",
        431 => "Request Header Fields Too Large",
        499 => "Client Closed Request",
        501 => "Not Implemented",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        504 => "Gateway Timeout",
        505 => "HTTP Version Not Supported",
        _ => "Internal Server Error",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bodies_are_the_dialects_own() {
        assert_eq!(Fault::NoBackend.body(Dialect::V1), "Service Unavailable");
        assert_eq!(Fault::NoBackend.body(Dialect::V3), "no available server\n");
        assert_eq!(Fault::NoRoute.body(Dialect::V2), "404 page not found\n");
        assert_eq!(Fault::Reset.body(Dialect::V1), "Bad Gateway");
        assert_eq!(Fault::DialTimeout.body(Dialect::V1), "Gateway Timeout");
    }
}
