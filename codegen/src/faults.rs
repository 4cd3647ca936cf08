//! What micropb-gen cannot do, with where and what to do.

use micropb_gen::Error;
use prost_types::field_descriptor_proto::Type;

use crate::error::Fault;
use crate::sizes::{Limit, Size};
use crate::sources::{Field, Message, Sources};

/// The fields that an error is about, if it is about a size.
pub(crate) fn missing_sizes(
    error: &Error,
    sources: &Sources,
    known: &[Limit],
) -> Vec<(Limit, Fault)> {
    let Error::Field { text, .. } = error else {
        return Vec::new();
    };
    let size = match text {
        text if text.starts_with("Missing max_bytes") => Size::Bytes,
        text if text.starts_with("Missing max_len") => Size::Len,
        _ => return Vec::new(),
    };
    let missing = candidates(error, sources).into_iter().map(|field| {
        let path = field.path.clone();
        let limit = Limit {
            path,
            size,
            most: 2,
        };
        let fault = missing_size(&limit, &field);
        (limit, fault)
    });
    missing
        .filter(|(limit, _)| !known.contains(limit))
        .collect()
}

/// Anything else.
pub(crate) fn other(error: &Error, sources: &Sources) -> Fault {
    let field = candidates(error, sources).into_iter().next();
    let place = match (field, error) {
        (Some(field), _) => field.place,
        (
            None,
            Error::Message {
                package, message, ..
            },
        ) => {
            let messages = sources.messages_named(package, message);
            messages.first().and_then(Message::place)
        }
        _ => None,
    };
    let help = "micropb cannot do that; prost may: .backend(Backend::Prost)";
    Fault::new(error.to_string(), help).at(place)
}

/// micropb-gen makes modules for messages, which it does not find again if their names are small.
pub(crate) fn small_names(sources: &Sources) -> Result<(), crate::Error> {
    let messages = sources.messages().into_iter();
    let small = messages.filter(|message| message.proto.name().starts_with(char::is_lowercase));
    let faults = small.map(|message| {
        let what = format!("`{}` begins with a small letter", message.path);
        let help = "rename it; or messages on the heap, .backend(Backend::Prost)";
        Fault::new(what, help).at(message.place())
    });
    crate::Error::of(faults.collect())
}

/// The fields that an error may be about: micropb-gen does not say in which message a message is nested.
fn candidates<'a>(error: &Error, sources: &'a Sources) -> Vec<Field<'a>> {
    let Error::Field {
        package,
        message,
        field,
        ..
    } = error
    else {
        return Vec::new();
    };
    let messages = sources.messages_named(package, message);
    let fields = messages.iter().flat_map(Message::fields);
    fields
        .filter(|candidate| candidate.proto.name() == field)
        .collect()
}

fn missing_size(limit: &Limit, field: &Field<'_>) -> Fault {
    let (kind, most) = match (limit.size, field.proto.r#type()) {
        (Size::Len, _) if field.is_map => ("a map", 8),
        (Size::Len, _) => ("repeated", 8),
        (Size::Bytes, _) if field.is_map => ("a map of strings or bytes", 32),
        (Size::Bytes, Type::Bytes) => ("of bytes", 32),
        (Size::Bytes, _) => ("a string", 32),
    };
    let what = match limit.size {
        Size::Bytes => "how many bytes it can have",
        Size::Len => "how many elements it can have",
    };
    let Limit { path, size, .. } = limit;
    let setter = size.setter();
    let help = format!(
        "in the build script, .{setter}({path:?}, {most}), or .{setter}(\".\", {most}) for all \
         fields; or messages on the heap, .backend(Backend::Prost)"
    );
    let what = format!("`{path}` is {kind}, and nothing says {what}");
    Fault::new(what, help).at(field.place.clone())
}
