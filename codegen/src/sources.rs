//! .proto files, compiled, and where in them things are.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use prost_types::source_code_info::Location;
use prost_types::{
    DescriptorProto, FieldDescriptorProto, FileDescriptorProto, FileDescriptorSet, MessageOptions,
};
use protox::Compiler;

use crate::error::{Error, Fault, Place};

/// Numbers of fields in descriptor.proto, of which a location's path is made.
const MESSAGE: i32 = 4;
const FIELD: i32 = 2;
const NESTED: i32 = 3;

/// Compiled .proto files, with all that they import.
#[derive(Debug)]
pub(crate) struct Sources {
    pub(crate) set: FileDescriptorSet,
    paths: HashMap<String, PathBuf>,
}

/// One of them.
#[derive(Debug, Clone)]
pub(crate) struct File<'a> {
    pub(crate) proto: &'a FileDescriptorProto,
    path: PathBuf,
}

/// A message, wherever it is nested.
#[derive(Debug)]
pub(crate) struct Message<'a> {
    /// `.package.Outer.Inner`.
    pub(crate) path: String,
    pub(crate) proto: &'a DescriptorProto,
    pub(crate) file: File<'a>,
    location: Vec<i32>,
}

/// A field of a message.
#[derive(Debug)]
pub(crate) struct Field<'a> {
    /// `.package.Message.field`.
    pub(crate) path: String,
    pub(crate) proto: &'a FieldDescriptorProto,
    pub(crate) is_map: bool,
    pub(crate) place: Option<Place>,
}

impl Sources {
    /// Compiles .proto files.
    ///
    /// # Errors
    /// What is wrong with them, or where they are not.
    pub(crate) fn compile(files: &[PathBuf], includes: &[PathBuf]) -> Result<Self, Error> {
        check_folders(includes)?;
        let mut compiler = Compiler::new(includes).map_err(|error| fault(&error, &[], includes))?;
        compiler.include_imports(true).include_source_info(true);
        let opened = compiler.open_files(files);
        opened.map_err(|error| fault(&error, files, includes))?;
        let paths = compiler.files().filter_map(|file| {
            let path = file.path()?.to_path_buf();
            Some((file.name().to_owned(), path))
        });
        Ok(Self {
            paths: paths.collect(),
            set: compiler.file_descriptor_set(),
        })
    }

    /// The files on disk.
    pub(crate) fn paths(&self) -> impl Iterator<Item = &Path> {
        self.paths.values().map(PathBuf::as_path)
    }

    pub(crate) fn files(&self) -> impl Iterator<Item = File<'_>> {
        self.set.file.iter().map(|proto| File {
            proto,
            path: self.path_of(proto),
        })
    }

    /// All messages, also nested ones, but for the entries of maps.
    pub(crate) fn messages(&self) -> Vec<Message<'_>> {
        let mut messages = Vec::new();
        for file in self.files() {
            let protos = &file.proto.message_type;
            file.add_messages(&file.path(), protos, &[MESSAGE], &mut messages);
        }
        messages
    }

    /// The messages of a name in a package, wherever they are nested.
    pub(crate) fn messages_named(&self, package: &str, name: &str) -> Vec<Message<'_>> {
        let is = |message: &Message<'_>| {
            message.file.proto.package() == package && message.proto.name() == name
        };
        self.messages().into_iter().filter(is).collect()
    }

    fn path_of(&self, proto: &FileDescriptorProto) -> PathBuf {
        let path = self.paths.get(proto.name());
        path.map_or_else(|| proto.name().into(), Clone::clone)
    }
}

impl<'a> File<'a> {
    /// `package.Name`.
    pub(crate) fn full_name(&self, name: &str) -> String {
        match self.proto.package() {
            "" => name.to_owned(),
            package => format!("{package}.{name}"),
        }
    }

    /// The comments of something, a line each.
    pub(crate) fn docs(&self, location: &[i32]) -> Vec<String> {
        let Some(location) = self.location(location) else {
            return Vec::new();
        };
        let leading = doc_lines(location.leading_comments());
        let trailing = doc_lines(location.trailing_comments());
        let both = !leading.is_empty() && !trailing.is_empty();
        let between = both.then(String::new);
        leading.into_iter().chain(between).chain(trailing).collect()
    }

    /// Where something is.
    pub(crate) fn place(&self, location: &[i32]) -> Option<Place> {
        let span = &self.location(location)?.span;
        let (line, column) = (span.first()?, span.get(1)?);
        Some(Place {
            file: self.path.clone(),
            line: line + 1,
            column: column + 1,
        })
    }

    /// `.package`, or nothing.
    pub(crate) fn path(&self) -> String {
        match self.proto.package() {
            "" => String::new(),
            package => format!(".{package}"),
        }
    }

    fn add_messages(
        &self,
        parent: &str,
        protos: &'a [DescriptorProto],
        location: &[i32],
        messages: &mut Vec<Message<'a>>,
    ) {
        for (index, proto) in (0..).zip(protos).filter(|(_, proto)| !is_map_entry(proto)) {
            let path = format!("{parent}.{}", proto.name());
            let location = [location, &[index]].concat();
            let nested = [&location[..], &[NESTED]].concat();
            messages.push(Message {
                path: path.clone(),
                proto,
                file: self.clone(),
                location,
            });
            self.add_messages(&path, &proto.nested_type, &nested, messages);
        }
    }

    fn location(&self, path: &[i32]) -> Option<&'a Location> {
        let mut locations = self
            .proto
            .source_code_info
            .iter()
            .flat_map(|info| &info.location);
        locations.find(|location| location.path == path)
    }
}

impl<'a> Message<'a> {
    /// Where it is.
    pub(crate) fn place(&self) -> Option<Place> {
        self.file.place(&self.location)
    }

    /// Its fields.
    pub(crate) fn fields(&self) -> impl Iterator<Item = Field<'a>> {
        (0..).zip(&self.proto.field).map(|(index, proto)| Field {
            path: format!("{}.{}", self.path, proto.name()),
            proto,
            is_map: self.is_map(proto),
            place: self
                .file
                .place(&[&self.location[..], &[FIELD, index]].concat()),
        })
    }

    fn is_map(&self, field: &FieldDescriptorProto) -> bool {
        let nested = self.proto.nested_type.iter();
        let mut entries = nested.filter(|nested| is_map_entry(nested));
        entries.any(|entry| field.type_name() == format!("{}.{}", self.path, entry.name()))
    }
}

fn is_map_entry(message: &DescriptorProto) -> bool {
    message
        .options
        .as_ref()
        .is_some_and(MessageOptions::map_entry)
}

fn check_folders(includes: &[PathBuf]) -> Result<(), Error> {
    for folder in includes {
        if !folder.is_dir() {
            let what = format!("`{}` is no folder", folder.display());
            let help = "name the folders of the .proto files from where Cargo.toml is";
            return Err(Fault::new(what, help).into());
        }
    }
    Ok(())
}

/// What protox says, which has the file and the line in its `Debug` form.
fn fault(error: &protox::Error, files: &[PathBuf], includes: &[PathBuf]) -> Fault {
    let what = format!("{error:?}");
    if !error.is_file_not_found() {
        return Fault::new(what, "");
    }
    let given: Vec<_> = files
        .iter()
        .map(|path| path.display().to_string())
        .collect();
    let folders: Vec<_> = includes
        .iter()
        .map(|path| path.display().to_string())
        .collect();
    let help = format!(
        "of {} and what they import, all files have to be below one of the folders {}",
        given.join(", "),
        folders.join(", ")
    );
    Fault::new(what, help)
}

/// Lines of a comment as those of documentation, in which nothing is code that is to be tested.
fn doc_lines(comment: &str) -> Vec<String> {
    let mut in_code = false;
    let lines = comment.lines().map(|line| {
        let text = line.trim_start();
        if text.starts_with("```") {
            in_code = !in_code;
            if in_code && text == "```" {
                return " ```text".to_owned();
            }
        }
        let is_deep = line.len() - text.len() > 4;
        if is_deep && !in_code {
            format!("    {text}")
        } else {
            line.to_owned()
        }
    });
    lines.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_have_no_code_to_be_tested() {
        let lines = doc_lines(" a\n      deep\n ```\n      in it\n ```\n b");
        let expected = [" a", "    deep", " ```text", "      in it", " ```", " b"];
        assert_eq!(lines, expected);
    }
}
