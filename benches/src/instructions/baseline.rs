//! The counts that are checked in.

use std::collections::BTreeMap;
use std::error::Error;
use std::fs;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

const HEAD: &str = "# Instructions for each message, counted by callgrind, and bytes copied, by DHAT.\n\
                    # `benches/instructions --update` writes this file.\n\n";

/// Counts by name.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Baseline {
    instructions: BTreeMap<String, u64>,
}

impl Baseline {
    /// As it is checked in; empty if it is not there.
    pub(crate) fn read() -> Result<Self, Box<dyn Error + Send + Sync>> {
        match fs::read_to_string(file()) {
            Ok(text) => Ok(toml::from_str(&text)?),
            Err(_) => Ok(Self::default()),
        }
    }

    pub(crate) fn get(&self, name: &str) -> Option<u64> {
        self.instructions.get(name).copied()
    }

    /// Those whose names begin like this, and the rest of their names.
    pub(crate) fn beginning(&self, prefix: &str) -> impl Iterator<Item = (&str, u64)> {
        let names = self.instructions.iter();
        names.filter_map(move |(name, count)| Some((name.strip_prefix(prefix)?, *count)))
    }

    /// With these counts for those of the same name.
    pub(crate) fn with(mut self, counts: BTreeMap<String, u64>) -> Self {
        self.instructions.extend(counts);
        self
    }

    pub(crate) fn write(&self) -> Result<(), Box<dyn Error + Send + Sync>> {
        Ok(fs::write(
            file(),
            HEAD.to_owned() + &toml::to_string(self)?,
        )?)
    }
}

fn file() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("instructions.toml")
}
