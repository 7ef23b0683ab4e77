//! The body of an answer: whole, or in frames as the client takes them.

use hyper::body::{Body as HttpBody, Bytes, Frame, SizeHint};
use std::convert::Infallible;
use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::sync::mpsc;

/// About how many bytes a frame has.
pub(crate) const FRAME: usize = 64 << 10;

/// The body of an answer.
pub(crate) enum Body {
    /// All at once; `None` once it was taken.
    Whole(Option<Bytes>),
    /// Made frame by frame when the client takes them, until there is `None`.
    Made(Box<dyn FnMut() -> Option<Bytes> + Send>),
    /// Sent by a task, until that ends.
    Sent(mpsc::Receiver<Bytes>),
}

impl Body {
    pub(crate) fn whole(bytes: impl Into<Bytes>) -> Self {
        Self::Whole(Some(bytes.into()))
    }
}

impl HttpBody for Body {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let next = match self.get_mut() {
            Self::Whole(bytes) => Poll::Ready(bytes.take()),
            Self::Made(make) => Poll::Ready(make()),
            Self::Sent(frames) => frames.poll_recv(context),
        };
        next.map(|bytes| bytes.map(|bytes| Ok(Frame::data(bytes))))
    }

    fn is_end_stream(&self) -> bool {
        matches!(self, Self::Whole(None))
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Whole(bytes) => SizeHint::with_exact(bytes.as_ref().map_or(0, |bytes| bytes.len() as u64)),
            Self::Made(_) | Self::Sent(_) => SizeHint::default(),
        }
    }
}

impl fmt::Debug for Body {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Whole(_) => "Whole",
            Self::Made(_) => "Made",
            Self::Sent(_) => "Sent",
        })
    }
}
