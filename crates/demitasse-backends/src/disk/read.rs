//! Reading in pieces.

use std::io::{self, SeekFrom};

use bytes::{Bytes, BytesMut};
use demitasse_core::{BlobBody, BlobKey, ByteRange, ErrorKind, StoreError};
use futures_util::stream;
use tokio::fs::File;
use tokio::io::{AsyncReadExt, AsyncSeekExt};

use super::{BACKEND, Root, store_error};

/// Bytes in one piece: what a body holds in memory, whatever the blob's size.
const PIECE: u64 = 64 * 1024;

/// Opens the blob; nothing is read before the body is polled.
pub(super) async fn get(
    root: &Root,
    key: BlobKey,
    range: Option<ByteRange>,
) -> Result<Option<BlobBody>, StoreError> {
    let mut file = match File::open(root.blob_path(key)).await {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(store_error(key)(error)),
    };
    let length = file.metadata().await.map_err(store_error(key))?.len();
    let range = range.unwrap_or(ByteRange { start: 0, end: length });
    if range.start > range.end || range.end > length {
        return Err(StoreError::new(ErrorKind::Invalid, BACKEND, format!("{key} {range:?}")));
    }
    if range.start > 0 {
        file.seek(SeekFrom::Start(range.start)).await.map_err(store_error(key))?;
    }
    let rest = Rest { file, key, bytes: range.end - range.start };
    Ok(Some(Box::pin(stream::try_unfold(rest, Rest::next))))
}

/// What is still to be read.
struct Rest {
    file: File,
    key: BlobKey,
    bytes: u64,
}

impl Rest {
    async fn next(mut self) -> Result<Option<(Bytes, Self)>, StoreError> {
        if self.bytes == 0 {
            return Ok(None);
        }
        let wanted = self.bytes.min(PIECE);
        let mut piece = BytesMut::with_capacity(PIECE as usize);
        let mut limited = (&mut self.file).take(wanted);
        let read = limited.read_buf(&mut piece).await.map_err(store_error(self.key))? as u64;
        if read == 0 {
            // The file is shorter than it was when it was opened: say so, or a client would trust a cut-off image.
            return Err(StoreError::new(ErrorKind::Internal, BACKEND, self.key.to_string()));
        }
        self.bytes -= read;
        Ok(Some((piece.freeze(), self)))
    }
}
