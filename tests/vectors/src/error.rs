//! Errors that say where to look.

/// Why the vectors cannot be read.
#[derive(Debug)]
pub enum LoadError {
    /// The file is not TOML, or not a list of vectors.
    File {
        /// The file.
        topic: &'static str,
        /// What is wrong with it, and in which line.
        error: toml::de::Error,
    },
    /// A line of a vector is outside the notation.
    Line {
        /// The file.
        topic: &'static str,
        /// The vector.
        name: String,
        /// The line.
        line: String,
        /// What is wrong with it.
        error: NotationError,
    },
    /// Two vectors have one name.
    DuplicateName {
        /// The file of the second.
        topic: &'static str,
        /// The name.
        name: String,
    },
}

impl std::fmt::Display for LoadError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::File { topic, error } => write!(f, "{topic}.toml: {error}"),
            Self::Line {
                topic,
                name,
                line,
                error,
            } => {
                write!(f, "{topic}.toml: vector \"{name}\": in `{line}`: {error}")
            }
            Self::DuplicateName { topic, name } => {
                write!(f, "{topic}.toml: vector \"{name}\": the name is used twice")
            }
        }
    }
}

impl std::error::Error for LoadError {}

/// What is wrong with a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotationError(pub(crate) String);

impl std::fmt::Display for NotationError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for NotationError {}
