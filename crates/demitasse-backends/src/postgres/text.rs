//! PostgreSQL's text holds every character but U+0000, and a file name may hold that.

use std::borrow::Cow;

use crate::sql::{Statement, Value};

/// Stands before [`NUL`] for U+0000 and before [`ITSELF`] for itself. A private character: nearly no text holds it, so
/// nearly every text is stored as it is. Equal texts stay equal, and different ones different.
const ESCAPE: char = '\u{f0000}';
const NUL: char = '0';
const ITSELF: char = '1';

/// The statement with every text as PostgreSQL takes it.
pub(super) fn escaped(mut statement: Statement) -> Statement {
    for value in &mut statement.values {
        if let Value::Text(Some(text)) = value
            && let Cow::Owned(escaped) = escape(text)
        {
            *text = escaped;
        }
    }
    statement
}

fn escape(text: &str) -> Cow<'_, str> {
    if !text.contains(['\0', ESCAPE]) {
        return text.into();
    }
    let mut escaped = String::with_capacity(text.len() + 16);
    for character in text.chars() {
        match character {
            '\0' => escaped.extend([ESCAPE, NUL]),
            ESCAPE => escaped.extend([ESCAPE, ITSELF]),
            other => escaped.push(other),
        }
    }
    escaped.into()
}

/// The inverse of [`escape`].
pub(super) fn unescape(text: String) -> String {
    if !text.contains(ESCAPE) {
        return text;
    }
    let mut unescaped = String::with_capacity(text.len());
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        match character {
            ESCAPE => unescaped.push(if characters.next() == Some(NUL) { '\0' } else { ESCAPE }),
            other => unescaped.push(other),
        }
    }
    unescaped
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn every_text_comes_back_and_none_holds_a_nul(text in "[\0\u{f0000}01a-c\u{10ffff}]{0,12}") {
            let stored = escape(&text).into_owned();
            prop_assert!(!stored.contains('\0'));
            prop_assert_eq!(unescape(stored), text);
        }
    }

    #[test]
    fn an_ordinary_text_is_stored_as_it_is() {
        assert_eq!(escape("größer \u{202e}\\0 🍵"), "größer \u{202e}\\0 🍵");
    }
}
