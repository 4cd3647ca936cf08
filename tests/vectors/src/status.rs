//! gRPC status codes by their names in gRPC's statuscodes.md.

use crate::NotationError;

const NAMES: [&str; 17] = [
    "OK",
    "CANCELLED",
    "UNKNOWN",
    "INVALID_ARGUMENT",
    "DEADLINE_EXCEEDED",
    "NOT_FOUND",
    "ALREADY_EXISTS",
    "PERMISSION_DENIED",
    "RESOURCE_EXHAUSTED",
    "FAILED_PRECONDITION",
    "ABORTED",
    "OUT_OF_RANGE",
    "UNIMPLEMENTED",
    "INTERNAL",
    "UNAVAILABLE",
    "DATA_LOSS",
    "UNAUTHENTICATED",
];

/// A status code; in the files it is written by its name.
#[derive(Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(try_from = "String")]
pub struct Status(u8);

impl Status {
    /// The code of that number, if gRPC defines it.
    #[must_use]
    pub fn from_value(value: u8) -> Option<Self> {
        NAMES.get(usize::from(value)).map(|_| Self(value))
    }

    /// The number that `grpc-status` carries.
    #[must_use]
    pub const fn value(self) -> u8 {
        self.0
    }

    /// The name.
    #[must_use]
    pub fn name(self) -> &'static str {
        NAMES[usize::from(self.0)]
    }
}

impl std::fmt::Debug for Status {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

impl std::str::FromStr for Status {
    type Err = NotationError;

    fn from_str(name: &str) -> Result<Self, NotationError> {
        (0..)
            .zip(NAMES)
            .find(|&(_, known)| known == name)
            .map(|(value, _)| Self(value))
            .ok_or_else(|| NotationError(format!("`{name}` is not a gRPC status code")))
    }
}

impl TryFrom<String> for Status {
    type Error = NotationError;

    fn try_from(name: String) -> Result<Self, NotationError> {
        name.parse()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_numbers_agree() {
        for value in 0..=16 {
            let status = Status::from_value(value).expect("a code of gRPC");
            assert_eq!((status.value(), status.name().parse()), (value, Ok(status)));
        }
        assert_eq!(Status::from_value(17), None);
        assert!("ok".parse::<Status>().is_err());
    }
}
