//! WebSocket frames (RFC 6455 section 5.2), well formed or not.

/// The masking key of every masked frame; any four bytes do.
const MASK: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];

const FIN: u8 = 0x80;
const MASKED: u8 = 0x80;

/// How the payload length is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LengthForm {
    /// The shortest form, the only one the RFC allows.
    Minimal,
    /// 126 and two bytes.
    Bits16,
    /// 127 and eight bytes.
    Bits64,
}

/// A client's frame. It is final, masked and minimal unless told otherwise.
#[derive(Debug, Clone)]
pub struct Frame {
    first: u8,
    masked: bool,
    form: LengthForm,
    announced: Option<u64>,
    payload: Vec<u8>,
}

impl Frame {
    /// A frame with any opcode of four bits.
    #[must_use]
    pub fn new(opcode: u8, payload: impl Into<Vec<u8>>) -> Self {
        Self {
            first: FIN | opcode,
            masked: true,
            form: LengthForm::Minimal,
            announced: None,
            payload: payload.into(),
        }
    }

    /// A binary message.
    #[must_use]
    pub fn binary(payload: impl Into<Vec<u8>>) -> Self {
        Self::new(0x2, payload)
    }

    /// A text message.
    #[must_use]
    pub fn text(payload: impl Into<Vec<u8>>) -> Self {
        Self::new(0x1, payload)
    }

    /// The last continuation frame of a message.
    #[must_use]
    pub fn continuation(payload: impl Into<Vec<u8>>) -> Self {
        Self::new(0x0, payload)
    }

    /// A ping.
    #[must_use]
    pub fn ping(payload: impl Into<Vec<u8>>) -> Self {
        Self::new(0x9, payload)
    }

    /// A pong.
    #[must_use]
    pub fn pong(payload: impl Into<Vec<u8>>) -> Self {
        Self::new(0xa, payload)
    }

    /// A Close with any payload.
    #[must_use]
    pub fn close(payload: impl Into<Vec<u8>>) -> Self {
        Self::new(0x8, payload)
    }

    /// A Close with a code and no reason.
    #[must_use]
    pub fn close_code(code: u16) -> Self {
        Self::close(code.to_be_bytes())
    }

    /// Without FIN: continuation frames follow.
    #[must_use]
    pub fn unfinished(mut self) -> Self {
        self.first &= !FIN;
        self
    }

    /// With reserved bits set, of `0x40`, `0x20` and `0x10`.
    #[must_use]
    pub fn reserved_bits(mut self, bits: u8) -> Self {
        self.first |= bits & 0x70;
        self
    }

    /// Without a mask, as only a server may.
    #[must_use]
    pub fn unmasked(mut self) -> Self {
        self.masked = false;
        self
    }

    /// With the length in this form.
    #[must_use]
    pub fn length_form(mut self, form: LengthForm) -> Self {
        self.form = form;
        self
    }

    /// With a length that is not the payload's.
    #[must_use]
    pub fn announcing(mut self, len: u64) -> Self {
        self.announced = Some(len);
        self
    }

    /// The bytes on the wire.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = vec![self.first];
        self.encode_length(&mut bytes);
        if !self.masked {
            bytes.extend_from_slice(&self.payload);
            return bytes;
        }
        bytes.extend_from_slice(&MASK);
        let masked = self.payload.iter().zip(MASK.iter().cycle());
        bytes.extend(masked.map(|(byte, mask)| byte ^ mask));
        bytes
    }

    fn encode_length(&self, bytes: &mut Vec<u8>) {
        let mask_bit = if self.masked { MASKED } else { 0 };
        let len = self.announced.unwrap_or(self.payload.len() as u64);
        match (self.form, u8::try_from(len), u16::try_from(len)) {
            (LengthForm::Minimal, Ok(short @ 0..=125), _) => bytes.push(mask_bit | short),
            (LengthForm::Minimal | LengthForm::Bits16, _, Ok(medium)) => {
                bytes.push(mask_bit | 126);
                bytes.extend_from_slice(&medium.to_be_bytes());
            }
            _ => {
                bytes.push(mask_bit | 127);
                bytes.extend_from_slice(&len.to_be_bytes());
            }
        }
    }
}

/// A frame that a server sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Received {
    pub(crate) opcode: u8,
    pub(crate) payload: Vec<u8>,
}

impl Received {
    /// Takes a whole frame off the front of what was received.
    ///
    /// # Panics
    /// On what a server must not send: reserved bits, a mask, fragments (ours sends none).
    pub(crate) fn take(input: &mut Vec<u8>) -> Option<Self> {
        let (&first, &second) = (input.first()?, input.get(1)?);
        assert_eq!(first & 0x70, 0, "reserved bits from the server");
        assert_eq!(second & MASKED, 0, "a mask from the server");
        assert_ne!(first & FIN, 0, "a fragment from the server");
        let (len, start) = match second {
            126 => (u64::from(u16::from_be_bytes(array(input.get(2..4)?))), 4),
            127 => (u64::from_be_bytes(array(input.get(2..10)?)), 10),
            short => (u64::from(short), 2),
        };
        let end = start + usize::try_from(len).expect("a length that fits memory");
        let payload = input.get(start..end)?.to_vec();
        input.drain(..end);
        Some(Self {
            opcode: first & 0x0f,
            payload,
        })
    }
}

fn array<const N: usize>(slice: &[u8]) -> [u8; N] {
    slice.try_into().expect("a slice of that length")
}
