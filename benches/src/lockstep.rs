//! A load that is always the same: bursts, and after each all of its answers.

use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixStream;

use bytes::BytesMut;

use crate::peer::{Job, Peer, Protocol};

/// A load on a unix socket, which hands over what is written at once.
pub struct Lockstep {
    stream: UnixStream,
    peer: Box<dyn Peer>,
    input: BytesMut,
    out: Vec<u8>,
    buffer: Vec<u8>,
}

impl Lockstep {
    /// Connects, and is ready for calls.
    ///
    /// # Errors
    /// The server failed.
    pub fn new(path: &str, protocol: Protocol, job: Job) -> Result<Self, String> {
        let stream = UnixStream::connect(path).map_err(|error| error.to_string())?;
        let mut lockstep = Self {
            stream,
            peer: protocol.peer(job),
            input: BytesMut::new(),
            out: Vec::new(),
            buffer: vec![0; 256 * 1024],
        };
        lockstep.peer.open(&mut lockstep.out);
        while !lockstep.peer.is_ready() {
            lockstep.turn()?;
        }
        Ok(lockstep)
    }

    /// So many messages at once, and their answers.
    ///
    /// # Errors
    /// The server failed, or gave a wrong answer.
    pub fn burst(&mut self, messages: u64) -> Result<(), String> {
        for _ in 0..messages {
            self.peer.ask();
        }
        let mut answered = 0;
        while answered < messages {
            answered += self.turn()?;
        }
        Ok(())
    }

    fn turn(&mut self) -> Result<u64, String> {
        let text = |error: std::io::Error| error.to_string();
        self.peer.pump(&mut self.out);
        self.stream.write_all(&self.out).map_err(text)?;
        self.out.clear();
        let len = self.stream.read(&mut self.buffer).map_err(text)?;
        if len == 0 {
            return Err("the server closed the connection".to_owned());
        }
        self.input.extend_from_slice(&self.buffer[..len]);
        self.peer.receive(&mut self.input, &mut self.out)
    }
}
