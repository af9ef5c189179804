//! How arguments and results cross: 32-bit little-endian numbers, and byte strings behind their length. A missing one has length 0xffffffff.

use libsignal_protocol::SignalProtocolError;

use crate::failure::{Failure, Outcome};

const MISSING: u32 = u32::MAX;

pub struct Arguments<'a> {
    rest: &'a [u8],
}

impl<'a> Arguments<'a> {
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    fn take(&mut self, length: usize) -> Outcome<&'a [u8]> {
        let (head, tail) = self.rest.split_at_checked(length).ok_or_else(malformed)?;
        self.rest = tail;
        Ok(head)
    }

    pub fn u32(&mut self) -> Outcome<u32> {
        let bytes = self.take(4)?;
        Ok(u32::from_le_bytes(bytes.try_into().map_err(|_| malformed())?))
    }

    pub fn u64(&mut self) -> Outcome<u64> {
        let bytes = self.take(8)?;
        Ok(u64::from_le_bytes(bytes.try_into().map_err(|_| malformed())?))
    }

    pub fn optional(&mut self) -> Outcome<Option<&'a [u8]>> {
        match self.u32()? {
            MISSING => Ok(None),
            length => self.take(length as usize).map(Some),
        }
    }

    pub fn bytes(&mut self) -> Outcome<&'a [u8]> {
        self.optional()?.ok_or_else(malformed)
    }

    pub fn text(&mut self) -> Outcome<&'a str> {
        std::str::from_utf8(self.bytes()?).map_err(|_| malformed())
    }

    pub fn optional_text(&mut self) -> Outcome<Option<String>> {
        match self.optional()? {
            None => Ok(None),
            Some(bytes) => String::from_utf8(bytes.to_vec()).map(Some).map_err(|_| malformed()),
        }
    }

    pub fn optional_u32(&mut self) -> Outcome<Option<u32>> {
        match self.u32()? {
            0 => Ok(None),
            _ => self.u32().map(Some),
        }
    }
}

fn malformed() -> Failure {
    Failure::from(SignalProtocolError::InvalidArgument("malformed call".into()))
}

#[derive(Default)]
pub struct Values {
    bytes: Vec<u8>,
}

impl Values {
    pub fn new() -> Self {
        Self::default()
    }

    pub fn u32(mut self, value: u32) -> Self {
        self.bytes.extend_from_slice(&value.to_le_bytes());
        self
    }

    pub fn u64(mut self, value: u64) -> Self {
        self.bytes.extend_from_slice(&value.to_le_bytes());
        self
    }

    pub fn flag(self, value: bool) -> Self {
        self.u32(value.into())
    }

    pub fn bytes(self, value: &[u8]) -> Self {
        let length = u32::try_from(value.len()).unwrap_or(MISSING);
        let mut values = self.u32(length);
        values.bytes.extend_from_slice(value);
        values
    }

    pub fn text(self, value: &str) -> Self {
        self.bytes(value.as_bytes())
    }

    pub fn optional(self, value: Option<&[u8]>) -> Self {
        match value {
            None => self.u32(MISSING),
            Some(value) => self.bytes(value),
        }
    }

    pub fn optional_u32(self, value: Option<u32>) -> Self {
        match value {
            None => self.u32(0),
            Some(value) => self.u32(1).u32(value),
        }
    }

    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }
}
