//! Metadata to be sent.

use grpc_websocket_core::wire::metadata::{
    EncodeError, binary_len, encode_binary, encode_field, field_len, is_binary_name,
};

/// Up to `N` bytes of metadata: `name: value` lines, each with 4 bytes beside name and value.
///
/// ```
/// use grpc_websocket_embassy::Metadata;
/// let mut metadata = Metadata::<64>::new();
/// metadata.insert("x-device", "pump 7")?;
/// metadata.insert_binary("x-trace-bin", &[1, 2, 3])?;
/// # Ok::<(), grpc_websocket_core::wire::metadata::EncodeError>(())
/// ```
#[derive(Debug, Clone)]
pub struct Metadata<const N: usize> {
    block: [u8; N],
    len: usize,
}

impl<const N: usize> Metadata<N> {
    /// None.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            block: [0; N],
            len: 0,
        }
    }

    /// Adds a field. One of the name may be there already: gRPC keeps both.
    ///
    /// # Errors
    /// A name that is not `0-9 a-z _ - .` or ends in `-bin`, a value that is not printable ASCII, or
    /// no room; nothing is added.
    pub fn insert(&mut self, name: &str, value: &str) -> Result<(), EncodeError> {
        if is_binary_name(name.as_bytes()) {
            return Err(EncodeError::InvalidName);
        }
        let rest = self.block.get_mut(self.len..).unwrap_or_default();
        let added = encode_field(name, value.as_bytes(), rest)?;
        self.len = self.len.saturating_add(added);
        Ok(())
    }

    /// Adds a field whose name ends in `-bin`, and whose value may be any bytes.
    ///
    /// # Errors
    /// As [`insert`](Self::insert), but for the name's end.
    pub fn insert_binary(&mut self, name: &str, value: &[u8]) -> Result<(), EncodeError> {
        if !is_binary_name(name.as_bytes()) {
            return Err(EncodeError::InvalidName);
        }
        let text_len = binary_len(value.len());
        let needed = field_len(name, &[]).saturating_add(text_len);
        let rest = self.block.get_mut(self.len..).unwrap_or_default();
        let needs = EncodeError::BufferTooSmall { needed };
        let field = rest.get_mut(..needed).ok_or(needs)?;
        encode_field(name, b"", field)?;
        let text = name.len().saturating_add(2);
        encode_binary(value, field.get_mut(text..).unwrap_or_default())?;
        let end = text.saturating_add(text_len);
        crate::ring::copy(field.get_mut(end..).unwrap_or_default(), b"\r\n");
        self.len = self.len.saturating_add(needed);
        Ok(())
    }

    /// The block, for [`fields`](grpc_websocket_core::wire::metadata::fields).
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        self.block.get(..self.len).unwrap_or_default()
    }
}

impl<const N: usize> Default for Metadata<N> {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_lines_and_what_is_wrong_changes_nothing() {
        let mut metadata = Metadata::<40>::new();
        metadata.insert("a", "b c").unwrap();
        metadata.insert_binary("d-bin", &[0, 1, 2, 0xff]).unwrap();
        assert_eq!(metadata.insert("e-bin", "f"), Err(EncodeError::InvalidName));
        assert_eq!(
            metadata.insert_binary("e", b"f"),
            Err(EncodeError::InvalidName)
        );
        assert_eq!(metadata.insert("e", "\r\n"), Err(EncodeError::InvalidValue));
        let too_long = "0123456789012345";
        assert!(metadata.insert("e", too_long).is_err());
        assert!(
            metadata
                .insert_binary("e-bin", too_long.as_bytes())
                .is_err()
        );
        assert_eq!(metadata.as_bytes(), b"a: b c\r\nd-bin: AAEC/w\r\n");
    }
}
