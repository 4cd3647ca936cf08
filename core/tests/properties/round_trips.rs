//! decode(encode(x)) = x.

use std::time::Duration;

use base64::Engine as _;
use base64::alphabet;
use base64::engine::DecodePaddingMode::Indifferent;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig, STANDARD_NO_PAD};
use grpc_websocket_core::wire::metadata::{
    binary_len, decode_binary, encode_binary, encode_field, field_len, fields,
};
use grpc_websocket_core::wire::prefix::{FrameKind, Prefix};
use grpc_websocket_core::wire::status::{percent_decode, percent_encode};
use grpc_websocket_core::wire::timeout;
use proptest::prelude::*;

fn bytes(most: usize) -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(any::<u8>(), 0..most)
}

fn kind() -> impl Strategy<Value = FrameKind> {
    prop_oneof![
        any::<bool>().prop_map(|compressed| FrameKind::Message { compressed }),
        Just(FrameKind::Metadata),
    ]
}

/// A field: its name, and the value it carries, base64 or not by the name.
fn field() -> impl Strategy<Value = (String, Vec<u8>)> {
    let ascii = ("[0-9a-z_.-]{0,8}[0-9a-z_.]", "([!-~]([ -~]{0,20}[!-~])?)?")
        .prop_map(|(name, value): (String, String)| (name, value.into_bytes()));
    let binary = ("[0-9a-z_.-]{1,8}-bin", bytes(20));
    prop_oneof![ascii, binary]
}

/// Writes a field as an application would.
fn write(name: &str, value: &[u8], block: &mut Vec<u8>) {
    let mut text = vec![0; binary_len(value.len())];
    let value = match name.ends_with("-bin") {
        true => encode_binary(value, &mut text).expect("room"),
        false => value,
    };
    let mut line = vec![0; field_len(name, value)];
    let written = encode_field(name, value, &mut line).expect("a valid field");
    assert_eq!(written, line.len());
    block.extend(line);
}

/// Reads all fields of a block as an application would.
fn read(block: &[u8]) -> Vec<(String, Vec<u8>)> {
    let read = |field: grpc_websocket_core::wire::metadata::Field<'_>| {
        let name = String::from_utf8(field.name().to_vec()).expect("an ASCII name");
        if !field.is_binary() {
            return vec![(name, field.value().to_vec())];
        }
        let decode = |text: &[u8]| {
            let mut out = vec![0; text.len() * 3 / 4];
            decode_binary(text, &mut out).expect("base64").to_vec()
        };
        field
            .binary_values()
            .map(|text| (name.clone(), decode(text)))
            .collect()
    };
    fields(block)
        .flat_map(|field| read(field.expect("a field")))
        .collect()
}

proptest! {
    #![proptest_config(crate::cases(500))]

    #[test]
    fn prefixes(kind in kind(), len: u32) {
        let prefix = Prefix { kind, len };
        prop_assert_eq!(Prefix::decode(prefix.encode()), Ok(prefix));
    }

    #[test]
    fn messages_of_a_status_from_any_bytes(
        message in prop_oneof![bytes(60), "[%0-9a-f]{0,20}".prop_map(String::into_bytes)],
    ) {
        let encoded: Vec<u8> = percent_encode(&message).collect();
        prop_assert!(encoded.iter().all(|byte| matches!(byte, 0x20..=0x7e)));
        prop_assert_eq!(percent_decode(&encoded).collect::<Vec<_>>(), message);
    }

    #[test]
    fn undecoded_messages_are_read_without_loss(value in "[ -$&-~]{0,40}") {
        prop_assert_eq!(percent_decode(value.as_bytes()).collect::<Vec<_>>(), value.as_bytes());
    }

    #[test]
    fn blocks_of_ascii_and_binary_fields(sent in prop::collection::vec(field(), 0..8)) {
        let mut block = Vec::new();
        sent.iter().for_each(|(name, value)| write(name, value, &mut block));
        prop_assert_eq!(read(&block), sent);
    }

    #[test]
    fn base64_with_and_without_padding(value in bytes(50)) {
        let mut text = vec![0; binary_len(value.len())];
        let len = encode_binary(&value, &mut text).expect("room").len();
        prop_assert_eq!(len, text.len());
        prop_assert_eq!(&text, &STANDARD_NO_PAD.encode(&value).into_bytes());
        let mut out = vec![0; value.len()];
        prop_assert_eq!(decode_binary(&text, &mut out), Ok(&value[..]));
        text.resize(len.next_multiple_of(4), b'=');
        prop_assert_eq!(decode_binary(&text, &mut out), Ok(&value[..]));
    }

    #[test]
    fn base64_is_read_as_the_reference_reads_it(text in "[A-Za-z0-9+/]{0,12}[-_=A \u{e9}]{0,2}") {
        let padding = GeneralPurposeConfig::new().with_decode_padding_mode(Indifferent);
        let reference = GeneralPurpose::new(&alphabet::STANDARD, padding);
        let mut out = [0; 16];
        let got = decode_binary(text.as_bytes(), &mut out).ok().map(<[u8]>::to_vec);
        // The reference takes a padding of any length; here it fills up to four or is not there.
        let padded = text.ends_with('=');
        let expected = reference.decode(&text).ok().filter(|_| !padded || text.len() % 4 == 0);
        prop_assert_eq!(got, expected);
    }

    #[test]
    fn binary_values_joined_by_commas(values in prop::collection::vec(bytes(9), 1..5)) {
        let texts: Vec<String> = values.iter().map(|value| {
            let mut text = vec![0; binary_len(value.len())];
            encode_binary(value, &mut text).expect("room");
            String::from_utf8(text).expect("ASCII")
        }).collect();
        let block = format!("x-bin: {}\r\n", texts.join(", "));
        let got: Vec<_> = read(block.as_bytes()).into_iter().map(|(_, value)| value).collect();
        prop_assert_eq!(got, values);
    }

    /// PROTOCOL-HTTP2 "Timeout": at most eight digits, so the value is rounded: up, and by less
    /// than one unit in eight digits.
    #[test]
    fn timeouts_within_their_rounding(secs in 0..=99_999_999_u64 * 60, nanos in 0..1_000_000_000_u32, scale in 0..12_u32) {
        let exact = Duration::new(secs, nanos) / 10_u32.pow(scale.min(9)) / 10_u32.pow(scale.saturating_sub(9));
        let encoded = timeout::encode(exact);
        let got = timeout::parse(encoded.as_bytes()).expect("a timeout");
        prop_assert!(got >= exact, "{exact:?} became {got:?}");
        // The unit grows by 1000 at most for a value of 8 digits, by 60 from seconds on.
        let unit = exact.as_nanos() / 99_999 + 1;
        prop_assert!((got - exact).as_nanos() <= unit, "{exact:?} became {got:?}");
        prop_assert!(encoded.as_bytes().len() <= 9);
    }

    #[test]
    fn any_text_is_read_without_a_panic(text in bytes(40), room in 0..40_usize) {
        let mut out = vec![0; room];
        let _ = decode_binary(&text, &mut out);
        let _ = timeout::parse(&text);
        let _ = encode_binary(&text, &mut out);
        let _ = encode_field("name", &text, &mut out);
        prop_assert!(percent_decode(&text).count() <= text.len());
    }
}
