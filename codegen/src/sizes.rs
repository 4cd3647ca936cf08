//! The longest sizes of fields, by paths.

use micropb_gen::{Config, Generator};
use prost_types::FieldDescriptorProto;

use crate::error::{Error, Fault};
use crate::sources::{Field, Message, Sources};

/// What may be below the path of a field: of what the size is, of the parts of a field.
const PARTS: [&str; 3] = ["elem", "key", "value"];

/// What there is a longest of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Size {
    /// Of a string or of bytes.
    Bytes,
    /// Of elements of a repeated field or of a map.
    Len,
}

/// A path, which size of it, and how much.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Limit {
    pub(crate) path: String,
    pub(crate) size: Size,
    pub(crate) most: u32,
}

/// What was said of sizes, and what is said after it counts.
#[derive(Debug, Clone)]
pub(crate) struct Sizes {
    limits: Vec<Limit>,
}

impl Size {
    /// The builder's method that sets it.
    pub(crate) const fn setter(self) -> &'static str {
        match self {
            Self::Bytes => "max_bytes",
            Self::Len => "max_len",
        }
    }
}

impl Limit {
    /// Tells micropb-gen.
    pub(crate) fn configure(&self, generator: &mut Generator) {
        let config = match self.size {
            Size::Bytes => Config::new().max_bytes(self.most),
            Size::Len => Config::new().max_len(self.most),
        };
        generator.configure(&self.path, config);
    }

    fn call(&self) -> String {
        format!("{}({:?}, {})", self.size.setter(), self.path, self.most)
    }
}

impl Sizes {
    pub(crate) const fn new() -> Self {
        Self { limits: Vec::new() }
    }

    pub(crate) fn push(&mut self, path: &str, size: Size, most: u32) {
        let path = path.to_owned();
        self.limits.push(Limit { path, size, most });
    }

    pub(crate) fn configure(&self, generator: &mut Generator) {
        self.limits
            .iter()
            .for_each(|limit| limit.configure(generator));
    }

    /// Checks that each path is one of something.
    ///
    /// # Errors
    /// Those that are not.
    pub(crate) fn check_paths(&self, sources: &Sources) -> Result<(), Error> {
        let unknown = self
            .limits
            .iter()
            .filter(|limit| !is_known(&limit.path, sources));
        let faults: Vec<_> = unknown.map(|limit| unknown_path(limit, sources)).collect();
        Error::of(faults)
    }

    /// Checks that the lengths of maps are powers of two, as their containers want it.
    ///
    /// # Errors
    /// Those that are not.
    pub(crate) fn check_maps(&self, sources: &Sources) -> Result<(), Error> {
        let messages = sources.messages();
        let maps = messages.iter().flat_map(Message::fields);
        let odd = maps.filter(|field| field.is_map).filter_map(|map| {
            let limit = self.of(&map.path, Size::Len)?;
            let is_odd = !limit.most.is_power_of_two() || limit.most < 2;
            is_odd.then(|| odd_map(&map, limit))
        });
        Error::of(odd.collect())
    }

    /// The limit that counts for a field.
    fn of(&self, field: &str, size: Size) -> Option<&Limit> {
        let is_above = |limit: &&Limit| limit.size == size && is_at_or_below(field, &limit.path);
        let limits = self.limits.iter().filter(is_above);
        limits.max_by_key(|limit| limit.path.trim_matches('.').len())
    }
}

fn is_at_or_below(path: &str, other: &str) -> bool {
    let (path, other) = (path.trim_start_matches('.'), other.trim_matches('.'));
    let rest = path.strip_prefix(other);
    rest.is_some_and(|rest| other.is_empty() || rest.is_empty() || rest.starts_with('.'))
}

/// A path may be that of a package, a message, a field, or a part of a field.
fn is_known(path: &str, sources: &Sources) -> bool {
    let mut parts = PARTS.iter();
    let field = parts.find_map(|part| path.strip_suffix(&format!(".{part}")));
    let is_above = |known: &str| {
        is_at_or_below(known, path) || field.is_some_and(|field| is_at_or_below(known, field))
    };
    let messages = sources.messages();
    sources.files().any(|file| is_above(&file.path()))
        || messages.iter().any(|message| is_above(&message.path))
        || messages
            .iter()
            .flat_map(Message::fields)
            .any(|field| is_above(&field.path))
}

fn unknown_path(limit: &Limit, sources: &Sources) -> Fault {
    let what = format!(
        "`{}`: nothing in the .proto files has that path",
        limit.call()
    );
    let (parent, _) = limit.path.rsplit_once('.').unwrap_or_default();
    let messages = sources.messages();
    let is = |path: &str| path.trim_start_matches('.') == parent.trim_start_matches('.');
    let named = messages.iter().find(|message| is(&message.path));
    let Some(message) = named else {
        let help = "a path is `.package`, `.package.Message` or `.package.Message.field`";
        return Fault::new(what, help);
    };
    let fields: Vec<_> = message
        .proto
        .field
        .iter()
        .map(FieldDescriptorProto::name)
        .collect();
    let help = format!(
        "the fields of `{}` are: {}",
        message.path,
        fields.join(", ")
    );
    Fault::new(what, help).at(message.place())
}

fn odd_map(map: &Field<'_>, limit: &Limit) -> Fault {
    let most = limit.most.max(2).checked_next_power_of_two().unwrap_or(2);
    let what = format!(
        "`{}` is a map, and {} is no power of two",
        map.path, limit.most
    );
    let help = format!(".max_len({:?}, {most})", map.path);
    Fault::new(what, help).at(map.place.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_path_counts_and_of_equals_the_last() {
        let mut sizes = Sizes::new();
        for (path, most) in [
            (".a.M.f", 3),
            (".", 1),
            (".a.M", 2),
            (".a.M.f", 4),
            (".b", 5),
        ] {
            sizes.push(path, Size::Len, most);
        }
        let of = |path| sizes.of(path, Size::Len).map(|limit| limit.most);
        assert_eq!(of(".a.M.f"), Some(4));
        assert_eq!(of(".a.M.g"), Some(2));
        assert_eq!(of(".a.Mine.f"), Some(1));
        assert_eq!(of(".b.M.f"), Some(5));
        assert_eq!(sizes.of(".a.M.f", Size::Bytes), None);
    }
}
