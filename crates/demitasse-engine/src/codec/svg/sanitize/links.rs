//! Where links may lead.

/// What becomes of a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Link {
    /// It stays.
    Keep,
    /// It stays if what it holds, a drawing, is made safe.
    Drawing,
    /// It goes.
    Remove,
}

/// Pictures that a drawing may hold: a viewer decodes pixels and nothing else.
const PICTURES: &[&str] = &["png", "jpeg", "jpg", "gif", "webp", "avif", "bmp", "jxl"];
/// Where a reader may be led by a click. Nothing is fetched before.
const SCHEMES: &[&str] = &["http", "https", "mailto", "tel"];

/// Judges the link of an element: `element` is its name, `value` as it is meant.
///
/// Everything but a hyperlink must be in this file: an element by its name (`#name`), or a picture in a `data:` URL.
pub(crate) fn judge(element: &str, value: &str) -> Link {
    // As browsers do (URL standard, section 4.4): tabs and line breaks go, controls and spaces at the ends too.
    let url: String = value.chars().filter(|c| !matches!(c, '\t' | '\n' | '\r')).collect();
    let url = url.trim_matches(|c: char| c <= ' ').to_ascii_lowercase();
    if url.starts_with('#') || url.is_empty() {
        return Link::Keep;
    }
    match element {
        "a" => judge_hyperlink(&url),
        "image" | "feImage" => judge_picture(&url),
        _ => Link::Remove,
    }
}

fn judge_hyperlink(url: &str) -> Link {
    let head = url.split(['/', '?', '#']).next().unwrap_or_default();
    match head.split_once(':') {
        Some((scheme, _)) if SCHEMES.contains(&scheme) => Link::Keep,
        Some(_) => Link::Remove,
        None => Link::Keep,
    }
}

fn judge_picture(url: &str) -> Link {
    let Some(kind) = url.strip_prefix("data:image/") else { return Link::Remove };
    let kind = kind.split([';', ',']).next().unwrap_or_default();
    match kind {
        "svg+xml" => Link::Drawing,
        _ if PICTURES.contains(&kind) => Link::Keep,
        _ => Link::Remove,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hyperlinks_may_lead_to_pages_and_never_to_programs() {
        for url in [
            "https://example.org/a",
            "HTTP://example.org",
            "mailto:a@b.c",
            "page.html",
            "/a:b",
            "#here",
            "a/b:c",
        ] {
            assert_eq!(judge("a", url), Link::Keep, "{url}");
        }
        for url in [
            "javascript:alert(1)",
            " JavaScript:alert(1)",
            "java\nscript:alert(1)",
            "\u{1}javascript:alert(1)",
            "vbscript:x",
            "data:text/html,<script>",
            "data:image/svg+xml,<svg/>",
            "file:///etc/passwd",
        ] {
            assert_eq!(judge("a", url), Link::Remove, "{url}");
        }
    }

    #[test]
    fn pictures_are_in_the_file_or_go() {
        assert_eq!(judge("image", "data:image/png;base64,AA"), Link::Keep);
        assert_eq!(judge("image", "data:image/svg+xml;base64,AA"), Link::Drawing);
        for url in ["http://example.org/a.png", "//example.org/a.png", "a.png", "data:text/html,x", "blob:x"]
        {
            assert_eq!(judge("image", url), Link::Remove, "{url}");
        }
        assert_eq!(judge("use", "data:image/png;base64,AA"), Link::Remove);
        assert_eq!(judge("use", "other.svg#a"), Link::Remove);
        assert_eq!(judge("use", "#a"), Link::Keep);
    }
}
