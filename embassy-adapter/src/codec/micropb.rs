//! Messages that micropb-gen generates.

use core::convert::Infallible;

use micropb::{MessageDecode, MessageEncode, PbEncoder};

use super::{Decode, DecodeError, Encode, EncodeError};

/// The codec of micropb's messages. They own what they hold, in containers of a fixed size, and need
/// no allocator.
///
/// Which of micropb's features are on is for the firmware to say, as it generates the messages.
/// Messages that hold messages of their own type, by boxes, want `nesting-limit`.
#[derive(Debug, Clone, Copy)]
pub struct Micropb(Infallible);

impl<M: MessageEncode> Encode<Micropb> for M {
    const MAX_LEN: Option<usize> = match M::MAX_SIZE {
        Ok(bytes) => Some(bytes),
        Err(_) => None,
    };

    fn encoded_len(&self) -> usize {
        self.compute_size()
    }

    fn encode(&self, out: &mut [u8]) -> Result<usize, EncodeError> {
        let capacity = out.len();
        let mut encoder = PbEncoder::new(out);
        let written = MessageEncode::encode(self, &mut encoder);
        let rest = encoder.into_writer().len();
        written
            .map(|()| capacity.saturating_sub(rest))
            .map_err(|()| EncodeError {
                needed: self.compute_size(),
            })
    }
}

impl<M: MessageDecode + Default> Decode<'_, Micropb> for M {
    fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut message = Self::default();
        match message.decode_from_bytes(bytes) {
            Ok(()) => Ok(message),
            Err(micropb::DecodeError::Capacity) => Err(DecodeError::Capacity),
            Err(_) => Err(DecodeError::Malformed),
        }
    }
}

#[cfg(test)]
#[expect(clippy::arithmetic_side_effects, reason = "as generated")]
mod tests {
    use super::*;
    use micropb::{PbDecoder, PbRead, PbWrite, Presence, Tag, WIRE_TYPE_LEN, WIRE_TYPE_VARINT};

    const NAME: Tag = Tag::from_parts(1, WIRE_TYPE_LEN);
    const VALUE: Tag = Tag::from_parts(2, WIRE_TYPE_VARINT);
    /// A name of "abc" and a value of 300.
    const BYTES: [u8; 8] = [0x0a, 3, b'a', b'b', b'c', 0x10, 0xac, 0x02];

    /// As micropb-gen would make it.
    #[derive(Debug, Default, PartialEq)]
    struct Reading {
        name: heapless::String<4>,
        value: u32,
    }

    impl Reading {
        fn new(name: &str, value: u32) -> Self {
            Self {
                name: name.try_into().unwrap(),
                value,
            }
        }
    }

    impl MessageEncode for Reading {
        const MAX_SIZE: Result<usize, &'static str> = Ok(12);

        fn encode<W: PbWrite>(&self, encoder: &mut PbEncoder<W>) -> Result<(), W::Error> {
            encoder.encode_tag(NAME)?;
            encoder.encode_string(&self.name)?;
            encoder.encode_tag(VALUE)?;
            encoder.encode_varint32(self.value)
        }

        fn compute_size(&self) -> usize {
            let name = micropb::size::sizeof_len_record(self.name.len());
            2 + name + micropb::size::sizeof_varint32(self.value)
        }
    }

    impl MessageDecode for Reading {
        fn decode<R: PbRead>(
            &mut self,
            decoder: &mut PbDecoder<R>,
            len: usize,
        ) -> Result<(), micropb::DecodeError<R::Error>> {
            let before = decoder.bytes_read();
            while decoder.bytes_read() - before < len {
                match decoder.decode_tag()? {
                    NAME => decoder.decode_string(&mut self.name, Presence::Implicit)?,
                    VALUE => self.value = decoder.decode_varint32()?,
                    other => decoder.skip_wire_value(other.wire_type())?,
                }
            }
            Ok(())
        }
    }

    fn read(bytes: &[u8]) -> Result<Reading, DecodeError> {
        Decode::<Micropb>::decode(bytes)
    }

    #[test]
    fn a_message_is_written_to_the_front_and_read_again() {
        let message = Reading::new("abc", 300);
        let mut out = [0; 16];
        assert_eq!(Encode::<Micropb>::encode(&message, &mut out), Ok(8));
        assert_eq!(Encode::<Micropb>::encoded_len(&message), 8);
        assert_eq!(<Reading as Encode<Micropb>>::MAX_LEN, Some(12));
        assert_eq!(out[..8], BYTES);
        assert_eq!(read(&BYTES), Ok(message));
    }

    #[test]
    fn every_buffer_that_is_too_short_is_an_error() {
        let message = Reading::new("abc", 300);
        let mut out = [0; 8];
        assert_eq!(Encode::<Micropb>::encode(&message, &mut out), Ok(8));
        for len in 0..8 {
            assert_eq!(
                Encode::<Micropb>::encode(&message, &mut out[..len]),
                Err(EncodeError { needed: 8 })
            );
        }
    }

    #[test]
    fn a_message_cut_short_is_malformed() {
        for len in [1, 2, 3, 4, 6, 7] {
            assert_eq!(read(&BYTES[..len]), Err(DecodeError::Malformed), "{len}");
        }
    }

    #[test]
    fn a_field_longer_than_its_container_is_not_malformed() {
        let bytes = [0x0a, 5, b'a', b'b', b'c', b'd', b'e'];
        assert_eq!(read(&bytes), Err(DecodeError::Capacity));
    }

    #[test]
    fn no_bytes_are_the_default_message() {
        assert_eq!(read(&[]), Ok(Reading::default()));
    }
}
