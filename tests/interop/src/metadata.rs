//! Metadata that the handlers read and send back.

use tonic::Status;
use tonic::metadata::{
    AsciiMetadataKey, AsciiMetadataValue, BinaryMetadataKey, BinaryMetadataValue, KeyAndValueRef,
    MetadataMap,
};

use crate::proto::Metadata;
use crate::trailing::TrailingMetadata;

/// Request metadata with this prefix is sent back.
const ECHO_PREFIX: &str = "echo-";

/// Tells initial from trailing metadata, which are alike otherwise.
const SENT_IN: &str = "sent-in";

/// The entries of `metadata` in order, with decoded binary values.
pub(crate) fn entries(metadata: &MetadataMap) -> Result<Vec<Metadata>, Status> {
    metadata.iter().map(|entry| decode(&entry)).collect()
}

fn decode(entry: &KeyAndValueRef<'_>) -> Result<Metadata, Status> {
    let (key, value) = match entry {
        KeyAndValueRef::Ascii(key, value) => (key.to_string(), value.as_bytes().to_vec()),
        KeyAndValueRef::Binary(key, value) => {
            let value = value.to_bytes().map_err(invalid)?;
            (key.to_string(), value.to_vec())
        }
    };
    Ok(Metadata { key, value })
}

/// What to send back: request metadata that asks for it, and what the request names.
pub(crate) fn reply(request: &MetadataMap, named: &[Metadata]) -> Result<MetadataMap, Status> {
    let mut reply = MetadataMap::new();
    let mut echo = entries(request)?;
    echo.retain(|entry| entry.key.starts_with(ECHO_PREFIX));
    for entry in echo.iter().chain(named) {
        append(&mut reply, entry)?;
    }
    Ok(reply)
}

fn append(metadata: &mut MetadataMap, Metadata { key, value }: &Metadata) -> Result<(), Status> {
    if key.ends_with("-bin") {
        let key = BinaryMetadataKey::from_bytes(key.as_bytes()).map_err(invalid)?;
        metadata.append_bin(key, BinaryMetadataValue::from_bytes(value));
    } else {
        let key = AsciiMetadataKey::from_bytes(key.as_bytes()).map_err(invalid)?;
        metadata.append(
            key,
            AsciiMetadataValue::try_from(&value[..]).map_err(invalid)?,
        );
    }
    Ok(())
}

fn invalid(error: impl std::fmt::Display) -> Status {
    Status::invalid_argument(error.to_string())
}

/// A response with `reply` as its initial and its trailing metadata.
pub(crate) fn response<T>(message: T, reply: MetadataMap) -> tonic::Response<T> {
    let mut response = tonic::Response::new(message);
    *response.metadata_mut() = sent_in("initial", reply.clone());
    response
        .extensions_mut()
        .insert(TrailingMetadata(sent_in("trailing", reply)));
    response
}

/// An error with `reply` as its trailing metadata.
pub(crate) fn error(mut status: Status, reply: MetadataMap) -> Status {
    *status.metadata_mut() = sent_in("trailing", reply);
    status
}

fn sent_in(place: &'static str, mut metadata: MetadataMap) -> MetadataMap {
    metadata.insert(SENT_IN, AsciiMetadataValue::from_static(place));
    metadata
}
