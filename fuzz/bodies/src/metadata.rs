//! Blocks, fields, `-bin` values and status messages: what is written is read back, both readers of
//! blocks agree, and no block costs more than its limit.

use arbitrary::{Result, Unstructured};
use grpc_websocket_core::single::{Client, Fragment};
use grpc_websocket_core::wire::metadata::{
    DecodeError, EncodeError, Field, MalformedBlock, binary_len, decode_binary, encode_binary,
    encode_field, field_len, fields, is_binary_name, is_connection_specific, is_valid_name,
    is_valid_value,
};
use grpc_websocket_core::wire::prefix::{FrameKind, Prefix};
use grpc_websocket_core::wire::status::{percent_decode, percent_encode};
use grpc_websocket_core::{Code, Event, Limits, RecvError};

use crate::cuts::Cuts;
use crate::limits;

/// Name and value.
type Pair<'b> = (&'b [u8], &'b [u8]);

/// What each field costs beyond its bytes (RFC 9113 section 6.5.2).
const FIELD_COST: usize = 32;

/// Input: which check, then what it reads.
pub fn run(data: &[u8]) {
    let mut input = Unstructured::new(data);
    match input.int_in_range(0..=3_u8) {
        Ok(0) => drop(check_block(&mut input)),
        Ok(1) => drop(check_fields(&mut input)),
        Ok(2) => check_binary(input.take_rest()),
        _ => check_message(input.take_rest()),
    }
}

/// Input: limits, a cutting plan, and a block that may be anything.
fn check_block(input: &mut Unstructured<'_>) -> Result<()> {
    let limits = limits::read(input)?;
    let cuts = Cuts::read(input)?;
    let block = input.bytes(input.len())?;

    let whole: std::result::Result<Vec<_>, _> = fields(block).collect();
    let pairs = whole
        .as_ref()
        .map(|fields| fields.iter().map(pair).collect());
    assert_eq!(pairs.map_err(|error| *error), fields_by_hand(block));
    fields(block).flatten().for_each(check_name);

    let unlimited = Limits::DEFAULT.with_max_metadata_len(u32::MAX);
    let status = whole.map(|fields| status(&fields)).map_err(RecvError::from);
    assert_eq!(stream(unlimited, cuts.clone(), block), status);
    if stream(limits, cuts, block).is_ok() {
        let max = limits.max_metadata_len as usize;
        assert!(block.len() <= max);
        // The least a line can be is two bytes shorter than what `encode_field` writes.
        let cost = |field: Field<'_>| field.name().len() + field.value().len() + FIELD_COST - 2;
        let all_but_last: usize = fields(block).flatten().skip(1).map(cost).sum();
        assert!(all_but_last <= max);
    }
    Ok(())
}

fn pair<'b>(field: &Field<'b>) -> Pair<'b> {
    (field.name(), field.value())
}

fn check_name(field: Field<'_>) {
    let name = field.name().to_ascii_lowercase();
    let text = String::from_utf8(name).expect("names are ASCII");
    assert!(field.is(&text));
    assert_eq!(field.is_binary(), text.ends_with("-bin"));
    assert_eq!(field.is_binary(), is_binary_name(field.name()));
    let is_connection_specific = is_connection_specific(text.as_bytes());
    assert_eq!(field.is_connection_specific(), is_connection_specific);
    assert!(is_connection_specific || is_valid_name(text.as_bytes()));
}

/// The fields by a reader that leans on the standard library.
fn fields_by_hand(block: &[u8]) -> std::result::Result<Vec<Pair<'_>>, MalformedBlock> {
    let lines = block.split(|&byte| byte == b'\n');
    let lines = lines.map(|line| line.strip_suffix(b"\r").unwrap_or(line));
    let fields = lines.filter(|line| !line.is_empty()).map(field_by_hand);
    fields.collect::<Option<_>>().ok_or(MalformedBlock)
}

fn field_by_hand(line: &[u8]) -> Option<Pair<'_>> {
    let colon = 1 + line[1..].iter().position(|&byte| byte == b':')?;
    let (name, value) = (&line[..colon], &line[colon + 1..]);
    let token = name.strip_prefix(b":").unwrap_or(name);
    let is_token = |byte: &u8| byte.is_ascii_alphanumeric() || b"_-.".contains(byte);
    token.iter().all(is_token).then(|| (name, trim(value)))
}

fn trim(value: &[u8]) -> &[u8] {
    let is_text = |byte: &u8| !matches!(byte, b' ' | b'\t');
    match value.iter().position(is_text) {
        Some(begin) => &value[begin..=value.iter().rposition(is_text).unwrap_or(begin)],
        None => &[],
    }
}

/// What the first `grpc-status` says.
fn status(fields: &[Field<'_>]) -> Option<Code> {
    let status = fields.iter().find(|field| field.is("grpc-status"))?;
    Some(Code::from_grpc_status(status.value()))
}

/// What a client says of the block as it arrives: its status if it has one.
fn stream(
    limits: Limits,
    mut cuts: Cuts<'_>,
    block: &[u8],
) -> std::result::Result<Option<Code>, RecvError> {
    let mut client = Client::new(limits);
    let frame = [&prefix(block)[..], block].concat();
    let mut taken = Vec::new();
    let mut status = None;
    for slice in cuts.slices(&frame) {
        let mut fragment = Fragment::part(slice);
        while let Some(event) = client.recv(&mut fragment)? {
            match event {
                Event::Metadata(piece) => taken.extend_from_slice(piece.payload),
                Event::Trailers(code) => status = Some(code),
                other => assert_eq!(other, Event::InitialMetadata),
            }
        }
    }
    assert_eq!(taken, block);
    assert_eq!(client.is_ended(), status.is_some());
    Ok(status)
}

fn prefix(block: &[u8]) -> [u8; 5] {
    let len = u32::try_from(block.len()).expect("a short input");
    let kind = FrameKind::Metadata;
    Prefix { kind, len }.encode()
}

/// Input: names and values with a length byte before each.
fn check_fields(input: &mut Unstructured<'_>) -> Result<()> {
    let mut block = Vec::new();
    let mut written = Vec::new();
    while !input.is_empty() {
        let (name, value) = (short_bytes(input)?, short_bytes(input)?);
        let Ok(name) = std::str::from_utf8(name) else {
            continue;
        };
        if let Some(line) = write(name, value) {
            block.extend(line);
            written.push((name.to_owned(), read_value(name, value)));
        }
    }
    let count = written.len();
    assert_eq!(read(&block), written);
    check_limit(&block, count);
    Ok(())
}

fn short_bytes<'d>(input: &mut Unstructured<'d>) -> Result<&'d [u8]> {
    let len = usize::from(input.arbitrary::<u8>()?).min(input.len());
    input.bytes(len)
}

/// Writes a field as an application would; `None` if it is refused.
fn write(name: &str, value: &[u8]) -> Option<Vec<u8>> {
    let mut text = vec![0; binary_len(value.len())];
    let value = match name.ends_with("-bin") {
        true => encode_binary(value, &mut text).expect("there is room"),
        false => value,
    };
    let needed = field_len(name, value);
    let mut line = vec![0; needed];
    match encode_field(name, value, &mut line) {
        Ok(len) => assert_eq!(len, needed),
        Err(EncodeError::InvalidName) => assert!(!is_valid_name(name.as_bytes())),
        Err(error) => {
            assert_eq!(error, EncodeError::InvalidValue);
            assert!(!is_valid_value(value));
        }
    }
    let is_written = is_valid_name(name.as_bytes()) && is_valid_value(value);
    if is_written {
        let refused = encode_field(name, value, &mut vec![0; needed - 1]);
        assert_eq!(refused, Err(EncodeError::BufferTooSmall { needed }));
    }
    is_written.then_some(line)
}

/// What is read of a value that was written: white space around a text is not kept.
fn read_value(name: &str, value: &[u8]) -> Vec<u8> {
    match name.ends_with("-bin") {
        true => value.to_vec(),
        false => trim(value).to_vec(),
    }
}

/// Reads the fields of a block as an application would.
fn read(block: &[u8]) -> Vec<(String, Vec<u8>)> {
    let read = |field: Field<'_>| {
        let name = String::from_utf8(field.name().to_vec()).expect("names are ASCII");
        if !field.is_binary() {
            return vec![(name, field.value().to_vec())];
        }
        let decode = |text: &[u8]| {
            let mut out = vec![0; text.len()];
            decode_binary(text, &mut out).expect("base64").to_vec()
        };
        let values = field.binary_values().map(decode);
        values.map(|value| (name.clone(), value)).collect()
    };
    let fields = fields(block).map(|field| field.expect("a field"));
    fields.flat_map(read).collect()
}

/// A block as this crate writes it is taken up to exactly its limit.
fn check_limit(block: &[u8], count: usize) {
    let cost = block.len() + count * (FIELD_COST - b": \r\n".len());
    let limits = |max: usize| Limits::DEFAULT.with_max_metadata_len(max as u32);
    assert!(stream(limits(cost), Cuts::NONE, block).is_ok());
    if let Some(less) = cost.checked_sub(1) {
        assert!(stream(limits(less), Cuts::NONE, block).is_err());
    }
}

/// Input: a value, and a text that may be base64.
fn check_binary(data: &[u8]) {
    let mut text = vec![0; binary_len(data.len())];
    let len = encode_binary(data, &mut text).expect("there is room").len();
    assert_eq!(len, text.len());
    assert!(is_valid_value(&text));
    let mut value = vec![0; data.len()];
    assert_eq!(decode_binary(&text, &mut value), Ok(data));
    text.resize(len.next_multiple_of(4), b'=');
    assert_eq!(decode_binary(&text, &mut value), Ok(data));
    check_base64(data);
}

/// A value has one text: what is decoded is encoded to the same, but for the padding.
fn check_base64(text: &[u8]) {
    let mut out = vec![0; text.len() / 4 * 3 + 2];
    let Ok(value) = decode_binary(text, &mut out) else {
        return;
    };
    let mut again = vec![0; text.len()];
    let again = encode_binary(value, &mut again).expect("there is room");
    let padding = text.strip_prefix(again).expect("the same text");
    assert!(matches!(padding, b"" | b"=" | b"=="));
    if let Some(len) = value.len().checked_sub(1) {
        let mut short = vec![0; len];
        let refused = decode_binary(text, &mut short);
        assert_eq!(refused, Err(DecodeError::BufferTooSmall));
    }
}

/// Input: a status message.
fn check_message(message: &[u8]) {
    let encoded: Vec<u8> = percent_encode(message).collect();
    assert!(is_valid_value(&encoded) && encoded.len() <= 3 * message.len());
    assert!(percent_decode(&encoded).eq(message.iter().copied()));
    let decoded: Vec<u8> = percent_decode(message).collect();
    let escapes = message.iter().filter(|&&byte| byte == b'%').count();
    assert!(decoded.len() <= message.len() && message.len() <= decoded.len() + 2 * escapes);
    if trim(message) == message {
        let line = write("grpc-message", &encoded).expect("a valid value");
        assert_eq!(read(&line), [("grpc-message".to_owned(), encoded)]);
    }
}
