//! gRPC-Web over HTTP/1.1 as a client, one call after the other.

use bytes::{Buf as _, BytesMut};

use super::{Job, Peer, message};

/// One connection.
pub(super) struct Http1 {
    request: Vec<u8>,
    asked: u64,
    step: Step,
}

/// What comes next.
#[derive(Clone, Copy, PartialEq)]
enum Step {
    Head,
    ChunkLen,
    /// So many bytes, and the end of a line.
    Chunk(usize),
}

impl Http1 {
    pub(super) fn new(job: Job) -> Self {
        let body = message(job.size);
        let mut request = format!(
            "POST {} HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/grpc-web+proto\r\n\
             content-length: {}\r\n\r\n",
            job.kind.path(),
            body.len()
        )
        .into_bytes();
        request.extend_from_slice(&body);
        Self {
            request,
            asked: 0,
            step: Step::Head,
        }
    }
}

impl Peer for Http1 {
    fn open(&mut self, _: &mut Vec<u8>) {}

    fn is_ready(&self) -> bool {
        true
    }

    fn ask(&mut self) {
        self.asked += 1;
    }

    fn pump(&mut self, out: &mut Vec<u8>) {
        for _ in 0..std::mem::take(&mut self.asked) {
            out.extend_from_slice(&self.request);
        }
    }

    fn receive(&mut self, input: &mut BytesMut, _: &mut Vec<u8>) -> Result<u64, String> {
        let mut answers = 0;
        loop {
            match self.step {
                Step::Head => {
                    let Some(head) = take_until(input, b"\r\n\r\n") else {
                        break;
                    };
                    if !head.starts_with(b"HTTP/1.1 200 ") {
                        return Err(format!("no answer: {}", String::from_utf8_lossy(&head)));
                    }
                    self.step = Step::ChunkLen;
                }
                Step::ChunkLen => {
                    let Some(line) = take_until(input, b"\r\n") else {
                        break;
                    };
                    let len = std::str::from_utf8(&line).ok();
                    let len = len.and_then(|len| usize::from_str_radix(len.trim(), 16).ok());
                    self.step = Step::Chunk(len.ok_or("no chunk")?);
                }
                Step::Chunk(len) if input.len() >= len + 2 => {
                    input.advance(len + 2);
                    answers += u64::from(len == 0);
                    self.step = if len == 0 { Step::Head } else { Step::ChunkLen };
                }
                Step::Chunk(_) => break,
            }
        }
        Ok(answers)
    }
}

fn take_until(input: &mut BytesMut, end: &[u8]) -> Option<BytesMut> {
    let at = input.windows(end.len()).position(|some| some == end)?;
    Some(input.split_to(at + end.len()))
}
