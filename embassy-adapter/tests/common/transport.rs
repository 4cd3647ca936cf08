//! Transports in memory, as slow, small and broken as a test wants them.
//!
//! A [`pipe`] is one direction. Each of its ends can be told to take few bytes at a time, to make its
//! caller wait before each operation, and to fail after so many bytes.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::future::poll_fn;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use embedded_io_async::{ErrorKind, ErrorType, Read, Write};

/// One direction of a connection that holds so many bytes. Dropping the [`Sink`] is the end of what
/// comes; dropping the [`Source`] lets writes fail.
pub fn pipe(capacity: usize) -> (Sink, Source) {
    let pipe = Rc::new(RefCell::new(Pipe {
        capacity,
        ..Pipe::default()
    }));
    let sink = Sink {
        pipe: Rc::clone(&pipe),
        manner: Manner::default(),
    };
    let manner = Manner::default();
    (sink, Source { pipe, manner })
}

/// What both ends share.
#[derive(Default)]
struct Pipe {
    bytes: VecDeque<u8>,
    capacity: usize,
    ended: bool,
    broken: bool,
    flushes: usize,
    waiting: Vec<Waker>,
}

impl Pipe {
    fn wait<T>(&mut self, context: &Context<'_>) -> Poll<T> {
        self.waiting.push(context.waker().clone());
        Poll::Pending
    }

    fn wake(&mut self) {
        self.waiting.drain(..).for_each(Waker::wake);
    }
}

/// How an end treats who uses it.
struct Manner {
    chunk: usize,
    stalls: usize,
    stalled: usize,
    left: usize,
    failure: Option<ErrorKind>,
}

impl Default for Manner {
    fn default() -> Self {
        Self {
            chunk: usize::MAX,
            stalls: 0,
            stalled: 0,
            left: usize::MAX,
            failure: None,
        }
    }
}

impl Manner {
    /// How many bytes of `len` may pass now. `Ok(0)` means end or a write that writes nothing.
    fn pass(&mut self, len: usize, context: &Context<'_>) -> Poll<Result<usize, ErrorKind>> {
        if self.stalled < self.stalls {
            self.stalled += 1;
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        if self.left == 0 {
            return Poll::Ready(self.failure.map_or(Ok(0), Err));
        }
        Poll::Ready(Ok(len.min(self.chunk).min(self.left)))
    }

    fn passed(&mut self, len: usize) {
        self.stalled = 0;
        self.left -= len;
    }
}

/// The end that is read.
pub struct Source {
    pipe: Rc<RefCell<Pipe>>,
    manner: Manner,
}

impl Source {
    /// Gives these bytes and ends.
    pub fn of(bytes: &[u8]) -> Self {
        let (_, source) = pipe(bytes.len());
        source.pipe.borrow_mut().bytes.extend(bytes);
        source
    }

    /// Gives no more than `chunk` bytes at a time.
    pub fn chunk(mut self, chunk: usize) -> Self {
        self.manner.chunk = chunk;
        self
    }

    /// Is pending so often before each read.
    pub fn stalls(mut self, stalls: usize) -> Self {
        self.manner.stalls = stalls;
        self
    }

    /// Ends after so many bytes.
    pub fn ends_after(mut self, len: usize) -> Self {
        self.manner.left = len;
        self
    }

    /// Fails after so many bytes.
    pub fn fails_after(mut self, len: usize, failure: ErrorKind) -> Self {
        self.manner.left = len;
        self.manner.failure = Some(failure);
        self
    }

    /// Takes all that was written and not read.
    pub fn take(&self) -> Vec<u8> {
        let mut pipe = self.pipe.borrow_mut();
        pipe.wake();
        pipe.bytes.drain(..).collect()
    }

    /// How often the other end was flushed.
    pub fn flushes(&self) -> usize {
        self.pipe.borrow().flushes
    }

    fn poll_read(
        &mut self,
        context: &Context<'_>,
        buf: &mut [u8],
    ) -> Poll<Result<usize, ErrorKind>> {
        let mut pipe = self.pipe.borrow_mut();
        let len = match self.manner.pass(buf.len(), context) {
            Poll::Ready(Ok(len)) if len > 0 => len.min(pipe.bytes.len()),
            other => return other,
        };
        if len == 0 && !pipe.ended {
            return pipe.wait(context);
        }
        for (to, from) in buf.iter_mut().zip(pipe.bytes.drain(..len)) {
            *to = from;
        }
        pipe.wake();
        drop(pipe);
        self.manner.passed(len);
        Poll::Ready(Ok(len))
    }
}

impl Drop for Source {
    fn drop(&mut self) {
        let mut pipe = self.pipe.borrow_mut();
        pipe.broken = true;
        pipe.wake();
    }
}

impl ErrorType for Source {
    type Error = ErrorKind;
}

impl Read for Source {
    async fn read(&mut self, buf: &mut [u8]) -> Result<usize, ErrorKind> {
        poll_fn(|context| self.poll_read(context, buf)).await
    }
}

/// The end that is written.
pub struct Sink {
    pipe: Rc<RefCell<Pipe>>,
    manner: Manner,
}

impl Sink {
    /// Takes no more than `chunk` bytes at a time.
    pub fn chunk(mut self, chunk: usize) -> Self {
        self.manner.chunk = chunk;
        self
    }

    /// Is pending so often before each write.
    pub fn stalls(mut self, stalls: usize) -> Self {
        self.manner.stalls = stalls;
        self
    }

    /// Takes nothing after so many bytes: each write says that it wrote zero.
    pub fn full_after(mut self, len: usize) -> Self {
        self.manner.left = len;
        self
    }

    /// Fails after so many bytes.
    pub fn fails_after(mut self, len: usize, failure: ErrorKind) -> Self {
        self.manner.left = len;
        self.manner.failure = Some(failure);
        self
    }

    fn poll_write(&mut self, context: &Context<'_>, buf: &[u8]) -> Poll<Result<usize, ErrorKind>> {
        let mut pipe = self.pipe.borrow_mut();
        if pipe.broken {
            return Poll::Ready(Err(ErrorKind::BrokenPipe));
        }
        let room = pipe.capacity - pipe.bytes.len();
        let len = match self.manner.pass(buf.len(), context) {
            Poll::Ready(Ok(len)) if len > 0 => len.min(room),
            other => return other,
        };
        if len == 0 {
            return pipe.wait(context);
        }
        pipe.bytes.extend(&buf[..len]);
        pipe.wake();
        drop(pipe);
        self.manner.passed(len);
        Poll::Ready(Ok(len))
    }

    fn poll_flush(&mut self) -> Result<(), ErrorKind> {
        self.pipe.borrow_mut().flushes += 1;
        match self.manner.failure {
            Some(failure) if self.manner.left == 0 => Err(failure),
            _ => Ok(()),
        }
    }
}

impl Drop for Sink {
    fn drop(&mut self) {
        let mut pipe = self.pipe.borrow_mut();
        pipe.ended = true;
        pipe.wake();
    }
}

impl ErrorType for Sink {
    type Error = ErrorKind;
}

impl Write for Sink {
    async fn write(&mut self, buf: &[u8]) -> Result<usize, ErrorKind> {
        poll_fn(|context| self.poll_write(context, buf)).await
    }

    async fn flush(&mut self) -> Result<(), ErrorKind> {
        self.poll_flush()
    }
}
