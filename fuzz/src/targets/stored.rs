//! What a later version, another program or a taken-over child may have written: stores, messages, the protocol of the child.

use demitasse::fuzzing::{AnswerRead, read_answer, read_order};
use demitasse_backends::fuzzing::{read_document, read_message, read_row, write_document};
use demitasse_core::{Document, Sha256};
use demitasse_engine::{Control, Report, Request, verify_receipt};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::runtime::Builder;

use super::LIMITS;

/// Largest file in the protocol, in bytes.
const MOST: u64 = 1 << 16;

/// What the child reads: an order whose parts it can use, or none.
pub(super) fn order(bytes: &[u8]) {
    if let Ok(Some((request, limits, file))) = read_order(bytes, MOST) {
        assert!(file.len() as u64 <= MOST);
        comes_back(&request);
        comes_back(&limits);
    }
}

/// What the parent reads: a report that is of the bytes that came with it, or none.
pub(super) fn answer(bytes: &[u8]) {
    let runtime = Builder::new_current_thread().build();
    let Some(answer) = runtime.ok().and_then(|runtime| runtime.block_on(read_answer(bytes, MOST)).ok())
    else {
        return;
    };
    if let AnswerRead::Finished(file, report) = answer {
        assert_eq!(report.output.sha256, Sha256::of(&file).to_string());
        assert!(file.len() as u64 <= MOST);
    }
}

/// A receipt from anywhere can be read, written and checked, and is not true of files that it does not name.
pub(super) fn receipt(bytes: &[u8]) {
    let Ok(report) = serde_json::from_slice::<Report>(bytes) else { return };
    comes_back(&report);
    let other = b"another file";
    if let Ok(verified) = verify_receipt(&report, other, other, &LIMITS, &Control::new()) {
        assert!(!verified.holds());
    }
}

/// A request from anywhere can be read, written and refused.
pub(super) fn request(bytes: &[u8]) {
    let Ok(request) = serde_json::from_slice::<Request>(bytes) else { return };
    if request.validate().is_ok() {
        comes_back(&request);
    }
}

/// A row of a store is read or refused.
pub(super) fn row(bytes: &[u8]) {
    let Ok(columns) = serde_json::from_slice(bytes) else { return };
    if let Ok(upload) = read_row(&columns) {
        upload.job.request.read::<Request>().ok();
        comes_back(&upload.job.request);
    }
}

/// A document of MongoDB's is read, written and read as the same, or refused.
pub(super) fn document(bytes: &[u8]) {
    for url in [None, Some("https://a.example/b")] {
        let Ok(upload) = read_document(bytes, url) else { continue };
        let again = write_document(&upload).and_then(|document| read_document(&document, None));
        assert_eq!(upload, again.unwrap());
    }
}

/// A message is read or passed over.
pub(super) fn message(bytes: &[u8]) {
    let read = read_message(bytes);
    assert_eq!(read.task.raw, bytes);
}

/// What was read and is written is read again as the same.
fn comes_back<T: Serialize + DeserializeOwned + PartialEq + std::fmt::Debug>(value: &T) {
    let document = Document::from_value(value).unwrap();
    assert_eq!(*value, document.read::<T>().unwrap());
}
