//! A few lines that stand for very many shapes, or for very much text.

use super::{Bomb, Ending, bomb};

/// One level of 40: two of the level below.
fn levels(of: impl Fn(usize) -> String) -> String {
    (1..40).map(of).collect()
}

fn svg(inside: &str) -> Vec<u8> {
    format!(
        "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 9 9'><path id='l0' d='M0 0h1v1'/>{inside}</svg>"
    )
    .into_bytes()
}

pub(super) fn all() -> Vec<Bomb> {
    let below = |n: usize| n - 1;
    let uses = levels(|n| format!("<g id='l{n}'><use href='#l{0}'/><use href='#l{0}'/></g>", below(n)));
    let patterns = levels(|n| {
        format!("<pattern id='l{n}'><path fill='url(#l{0})'/><path fill='url(#l{0})'/></pattern>", below(n))
    });
    let entity = format!("<!DOCTYPE svg [<!ENTITY a \"{}\">]>", "a".repeat(10_000)).into_bytes();
    let laughs = b"<!DOCTYPE svg [<!ENTITY a \"ha\"><!ENTITY b \"&a;&a;&a;&a;&a;&a;&a;&a;\">]>".to_vec();
    let noise = "<filter id='f'><feTurbulence numOctaves='4000000000'/></filter><path filter='url(#f)' d='M0 0h9v9'/>";
    vec![
        bomb("svg, 2^39 shapes by use", Ending::Over("drawn elements"), svg(&uses)),
        bomb("svg, 2^39 shapes by patterns", Ending::Over("drawn elements"), svg(&patterns)),
        bomb(
            "svg, groups in 5,000 levels",
            Ending::Over("levels"),
            svg(&format!("{}{}", "<g>".repeat(5_000), "</g>".repeat(5_000))),
        ),
        bomb(
            "svg, 20 MB of one entity",
            Ending::Over("bytes of entities"),
            [entity, svg(&"&a;".repeat(2_000))].concat(),
        ),
        bomb("svg, entities of entities", Ending::Refused, [laughs, svg("<text>&b;</text>")].concat()),
        bomb("svg, noise of 4,000,000,000 octaves", Ending::Over("octaves"), svg(noise)),
    ]
}
