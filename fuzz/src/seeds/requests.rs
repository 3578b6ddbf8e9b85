//! What clients send.

use super::files::tiny_png;
use super::{Seeds, named};

/// An upload of one file, with a field beside it.
fn form(boundary: &str, file: &[u8]) -> Vec<u8> {
    let fields = [
        format!("--{boundary}\r\nContent-Disposition: form-data; name=\"note\"\r\n\r\nhello\r\n--{boundary}\r\n"),
        "Content-Disposition: form-data; name=\"image\"; filename=\"a b.png\"\r\nContent-Type: image/png\r\n\r\n".into(),
    ];
    [fields.concat().as_bytes(), file, format!("\r\n--{boundary}--\r\n").as_bytes()].concat()
}

/// Bodies of uploads, their media type in the first line.
pub fn upload() -> Seeds {
    let of = |media_type: &str, body: Vec<u8>| [media_type.as_bytes(), b"\n", &body].concat();
    let named_otherwise = String::from_utf8_lossy(&form("cut", b"no image")).replace("\"image\"", "\"file\"");
    named([
        ("a picture", of("multipart/form-data; boundary=cut", form("cut", &tiny_png()))),
        (
            "a long boundary",
            of("multipart/form-data; boundary=\"a'b(c)d+e_f,g-h.i/j:k=l?\"", form("x", b"a")),
        ),
        ("another field", of("multipart/form-data; boundary=cut", named_otherwise.into_bytes())),
        ("no file", of("multipart/form-data; boundary=cut", form("cut", b""))),
        ("no form", of("image/png", tiny_png())),
    ])
}

/// Whole requests.
pub fn http() -> Seeds {
    let id = "6553f1000707070707070707";
    let hash = "ab".repeat(32);
    let with_body = form("cut", &tiny_png());
    let upload = |path: &str| {
        let head =
            format!("POST {path} HTTP/1.1\nhost: a\ncontent-type: multipart/form-data; boundary=cut\n\n");
        [head.as_bytes(), &with_body].concat()
    };
    let text = |text: String| text.into_bytes();
    named([
        ("an upload", upload("/v1/images?quality=50&format=webp,png&keep=date&priority=high")),
        ("an upload of the original", upload("/images/upload?preset=small")),
        ("a part of a file", text(format!("GET /i/{hash}/original/a.png?download=1 HTTP/1.1\nrange: bytes=0-9\nif-range: \"x\"\nif-none-match: \"y\"\n\n"))),
        ("images", text(format!("GET /v1/images?limit=5&cursor={id} HTTP/1.1\nhost: a\nx-forwarded-host: b:80\nx-forwarded-proto: https\nx-forwarded-for: 192.0.2.1, ::1\n\n"))),
        ("a task", text(format!("GET /v1/tasks/{id} HTTP/1.1\nauthorization: Bearer k\ntraceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\nx-request-id: a\n\n"))),
        ("a deletion", text(format!("DELETE /v1/images/{id} HTTP/1.1\n\n"))),
        ("another try", text(format!("POST /v1/tasks/{id}/retry HTTP/1.1\norigin: a\n\n"))),
        ("news", text("GET /v1/events HTTP/1.1\nlast-event-id: 7\naccept: text/event-stream\n\n".into())),
        ("an end", text("DELETE /v1/push/subscriptions?endpoint=https://a.example/b HTTP/1.1\n\n".into())),
        ("images of the original", text("GET /images HTTP/1.1\naccept-encoding: gzip\n\n".into())),
        ("a task of the original", text(format!("GET /tasks/{id}/status HTTP/1.1\n\n"))),
        ("what the page asks", text("OPTIONS /images HTTP/1.1\norigin: a\naccess-control-request-headers: x\naccess-control-request-method: PUT\n\n".into())),
        ("the page", text("GET /..%2f../assets/a.js?x HTTP/1.1\nif-none-match: *\n\n".into())),
        ("how it is", text("GET /readyz HTTP/1.1\n\n".into())),
        ("numbers", text("GET /metrics HTTP/1.1\n\n".into())),
    ])
}

/// Queries of the native upload.
pub fn query() -> Seeds {
    let text = |text: &str| text.as_bytes().to_vec();
    named([
        ("quality", text("quality=50&format=webp,jpg&effort=fast")),
        ("bytes", text("max_bytes=1.5MB&floor=50&metadata=archive&keep=date,camera&drop=gps")),
        ("size", text("target=70.5&resize=fit&width=800&height=600&enlarge=true&salvage=false")),
        ("others", text("preset=visually-lossless&priority=low&color_space=srgb&format=auto")),
        ("lossless", text("lossless=true&resize=thumb&width=4294967295&height=%31")),
    ])
}

/// Values of the header `Range`.
pub fn range() -> Seeds {
    let text = |text: &str| text.as_bytes().to_vec();
    named([
        ("a part", text("bytes=0-99")),
        ("an end", text("bytes=-5")),
        ("a beginning", text("BYTES = 7-")),
        ("several", text("bytes=0-1,3-4")),
        ("large", text("bytes=18446744073709551614-18446744073709551615")),
    ])
}
