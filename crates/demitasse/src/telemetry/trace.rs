//! Which trace a request and its job belong to, as a W3C `traceparent`: carried by the job's row, so that the work is seen
//! under the request that asked for it, whichever process does it.

use axum::http::HeaderMap;
use tracing::Span;

/// The header.
const TRACEPARENT: &str = "traceparent";

/// The trace to keep with the job of a request: the present span's, where spans are exported, else what the client sent.
pub(crate) fn trace_of_request(headers: &HeaderMap) -> Option<String> {
    #[cfg(feature = "otel")]
    if let Some(own) = super::otel::traceparent(&Span::current()) {
        return Some(own);
    }
    client_trace(headers)
}

/// What the client sent, if it is well-formed; it is stored, so nothing else is taken.
pub(crate) fn client_trace(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(TRACEPARENT)?.to_str().ok()?;
    is_traceparent(value).then(|| value.to_owned())
}

/// Makes `span` a part of the trace; without spans that are exported, nothing happens.
pub(crate) fn join_trace(span: &Span, traceparent: Option<&str>) {
    #[cfg(feature = "otel")]
    if let Some(traceparent) = traceparent.filter(|value| is_traceparent(value)) {
        super::otel::set_parent(span, traceparent);
    }
    #[cfg(not(feature = "otel"))]
    let _ = (span, traceparent);
}

/// Version 00 of <https://www.w3.org/TR/trace-context/#traceparent-header>: lower-case hex, ids that are not all zero.
fn is_traceparent(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    let hex = |part: &str, length| {
        part.len() == length && part.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
    };
    let id = |part: &str, length| hex(part, length) && part.bytes().any(|byte| byte != b'0');
    matches!(parts[..], ["00", trace, span, flags] if id(trace, 32) && id(span, 16) && hex(flags, 2))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_well_formed_traceparent_is_kept() {
        let good = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
        assert!(is_traceparent(good));
        for wrong in [
            "",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331",
            "01-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "00-00000000000000000000000000000000-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
            "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-x",
        ] {
            assert!(!is_traceparent(wrong), "{wrong}");
        }
    }
}
