//! SVG: what comes out is safe, drawn the same, and smaller; what would be too much is refused before it is drawn.

use demitasse_engine::metadata::Kind;
use demitasse_engine::{
    Compressed, Control, Error, Format, Limits, MetadataPolicy, Outcome, OutputFormat, PolicyName, Request,
    Result, Score, Target, compress, inspect, read_metadata, verify_receipt,
};

const HEAD: &str = "<svg xmlns=\"http://www.w3.org/2000/svg\" xmlns:xlink=\"http://www.w3.org/1999/xlink\" viewBox=\"0 0 100 60\">";

fn drawing(inside: &str) -> Vec<u8> {
    format!("{HEAD}{inside}</svg>").into_bytes()
}

fn request() -> Request {
    Request::new(Target::Score { score: Score(80.0) })
}

fn try_with(bytes: &[u8], request: &Request) -> Result<Compressed> {
    compress(bytes, request, &Limits::default(), &Control::new())
}

/// Compresses, and lets the receipt be checked.
fn done(bytes: &[u8], request: &Request) -> Compressed {
    let done = try_with(bytes, request).unwrap();
    let checked =
        verify_receipt(&done.report, bytes, &done.bytes, &Limits::default(), &Control::new()).unwrap();
    assert!(checked.holds(), "{checked:#?}");
    done
}

fn text(done: &Compressed) -> &str {
    std::str::from_utf8(&done.bytes).unwrap()
}

/// What a drawing program writes.
fn verbose() -> Vec<u8> {
    let mut path = String::from("M 10.000000,10.000000");
    for step in 0..60 {
        let x = f64::from(step).mul_add(1.234_567, 10.0);
        let y = (f64::from(step) / 5.0).sin().mul_add(15.0, 30.0);
        path += &format!(" C {x:.6},{y:.6} {:.6},{:.6} {:.6},{:.6}", x + 0.5, y + 1.0, x + 1.1, y - 0.7);
    }
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"no\"?>\n<!-- Made by a program -->\n\
         <!DOCTYPE svg PUBLIC \"-//W3C//DTD SVG 1.1//EN\" \"http://www.w3.org/Graphics/SVG/1.1/DTD/svg11.dtd\">\n\
         {HEAD}\n  <sodipodi:namedview xmlns:sodipodi=\"http://sodipodi.example/\" pagecolor=\"#ffffff\" />\n  \
         <title>A line</title>\n  <g>\n    <g transform=\"translate(0.000000, 2.500000)\">\n      \
         <path id=\"line\" d=\"{path}\" style=\"fill: none; stroke: #FF0000; stroke-width: 2.000000px\" />\n      \
         <circle cx=\"50.000000\" cy=\"20.000001\" r=\"5.500000\" fill=\"#336699\"></circle>\n    </g>\n  </g>\n</svg>\n"
    )
    .into_bytes()
}

#[test]
fn a_drawing_is_written_short_and_drawn_the_same() {
    let bytes = verbose();
    let done = done(&bytes, &request());
    assert_eq!(done.report.outcome, Outcome::Compressed);
    assert!(done.bytes.len() * 5 < bytes.len() * 3, "{} of {}", done.bytes.len(), bytes.len());
    assert!(done.report.lossless || done.report.score.as_ref().unwrap().value >= Score(90.0));
    for kept in ["<title>A line</title>", "id=\"line\"", "viewBox=\"0 0 100 60\"", "stroke:red"] {
        assert!(text(&done).contains(kept), "{kept}: {}", text(&done));
    }
    for gone in ["sodipodi", "<!--", "DOCTYPE", "xlink", "000000"] {
        assert!(!text(&done).contains(gone), "{gone}: {}", text(&done));
    }
    let kinds =
        |items: &[demitasse_engine::report::Item]| items.iter().map(|item| item.kind).collect::<Vec<_>>();
    assert_eq!(kinds(&done.report.metadata.dropped), [Kind::Comment, Kind::Other]);
}

#[test]
fn without_loss_every_pixel_is_drawn_as_it_was() {
    let done = done(&verbose(), &Request::new(Target::Lossless));
    assert!(done.report.lossless && done.report.score.is_none());
    assert_eq!(done.report.outcome, Outcome::Compressed);
}

#[test]
fn our_own_output_goes_through_unchanged() {
    let first = done(&verbose(), &request());
    let second = done(&first.bytes, &request());
    assert_eq!(second.report.outcome, Outcome::KeptOriginal);
    assert_eq!(second.bytes, first.bytes);
}

#[test]
fn what_could_do_harm_goes_and_is_reported() {
    let shape = "<rect id='r' width='50' height='30' fill='#369'/>";
    for (harm, word, named) in [
        ("<script>alert(1)</script>", "script", "1 script"),
        ("<SCRIPT xlink:href='x'/>", "SCRIPT", "1 script"),
        ("<g onclick='alert(1)' onLoad='x()'/>", "alert", "2 event handlers"),
        (
            "<foreignObject><p xmlns='http://www.w3.org/1999/xhtml'>x</p></foreignObject>",
            "foreign",
            "foreign content",
        ),
        (
            "<iframe xmlns='http://www.w3.org/1999/xhtml' src='http://example.org'/>",
            "iframe",
            "foreign content",
        ),
        ("<image href='http://example.org/a.png' width='5' height='5'/>", "example.org", "1 reference"),
        ("<use xlink:href='http://example.org/a.svg#b'/>", "example.org", "1 reference"),
        ("<use href='data:image/svg+xml,x#b'/>", "data:", "1 reference"),
        ("<a href='javascript:alert(1)'><path d='M0 0h1'/></a>", "javascript", "1 reference"),
        ("<a xlink:href='&#x6a;ava&#10;script:alert(1)'><path d='M0 0h1'/></a>", "alert", "1 reference"),
        ("<a HREF='javascript:alert(1)'><path d='M0 0h1'/></a>", "alert", "1 reference"),
        ("<rect style='fill:url(http://example.org/x)' width='1' height='1'/>", "example.org", "1 reference"),
        ("<rect fill='ur\\6c(http://example.org/x)' width='1' height='1'/>", "example.org", "1 reference"),
        ("<style>@import url(http://example.org/x.css);</style>", "import", "1 reference"),
        ("<style>r{fill:u\\72l('//example.org/x')}</style>", "example.org", "1 reference"),
        ("<set attributeName='href' to='javascript:x'/>", "javascript", "1 event handler"),
        ("<animate attributeName='onclick' values='alert(1)'/>", "alert", "1 event handler"),
        ("<handler type='text/x'>alert(1)</handler>", "alert", "1 event handler"),
        ("<blink>x</blink>", "blink", "1 unknown element"),
        ("<g xml:base='http://example.org/'/>", "example.org", "1 reference"),
    ] {
        let bytes = drawing(&format!("{shape}{harm}"));
        let done = done(&bytes, &request());
        assert!(!text(&done).contains(word), "{harm}: {}", text(&done));
        assert!(text(&done).contains("<rect id=\"r\""), "{harm}: {}", text(&done));
        let warning = done.report.warnings.iter().find(|warning| warning.code == "sanitized");
        let detail = &warning.unwrap_or_else(|| panic!("{harm}: no warning")).detail;
        assert!(detail.contains(named), "{harm}: {detail}");
    }
}

#[test]
fn a_style_sheet_from_elsewhere_goes() {
    let bytes =
        [b"<?xml-stylesheet href='http://example.org/x.css'?>".as_slice(), &drawing("<path d='M0 0h1'/>")]
            .concat();
    let done = done(&bytes, &request());
    assert!(!text(&done).contains("example.org"));
    assert_eq!(done.report.warnings[0].code, "sanitized");
}

#[test]
fn entities_from_elsewhere_go_even_where_everything_is_to_be_kept() {
    let doctype = b"<!DOCTYPE svg [<!ENTITY a SYSTEM \"file:///etc/passwd\">]>".as_slice();
    let bytes = [doctype, &drawing("<!-- a --><path d='M0 0h1'/>")].concat();
    let archive = MetadataPolicy { policy: PolicyName::Archive, ..MetadataPolicy::default() };
    let done = done(&bytes, &Request { metadata: archive, ..request() });
    assert!(!text(&done).contains("ENTITY"), "{}", text(&done));
    assert!(done.report.warnings.iter().any(|warning| warning.code == "sanitized"));
}

#[test]
fn what_hides_in_a_piece_that_goes_is_never_drawn() {
    // Each stands for two of the one before, where only what draws the input itself would find them.
    let hidden: String =
        (1..40).map(|n| format!("<g id='l{n}'><use href='#l{0}'/><use href='#l{0}'/></g>", n - 1)).collect();
    let inside =
        format!("<foreignObject><path id='l0' d='M0 0h1'/>{hidden}</foreignObject><use href='#l39'/>");
    let done = done(&drawing(&inside), &request());
    assert!(!text(&done).contains("l0"), "{}", text(&done));
}

#[test]
fn a_drawing_inside_of_a_drawing_is_made_safe_too() {
    let inner = "%3Csvg xmlns='http://www.w3.org/2000/svg'%3E%3Cscript/%3E%3Cpath d='M0 0h1'/%3E%3C/svg%3E";
    let bytes = drawing(&format!("<image width=\"9\" height=\"9\" href=\"data:image/svg+xml,{inner}\"/>"));
    let done = done(&bytes, &request());
    assert!(!text(&done).contains("script"), "{}", text(&done));
    assert!(text(&done).contains("data:image/svg+xml;base64,"), "{}", text(&done));
    assert!(done.report.warnings[0].detail.contains("1 script"));
}

#[test]
fn safe_links_pictures_and_sheets_stay() {
    let inside = "<style>.a &gt; .b{fill:url(#g)}</style><defs><linearGradient id='g'><stop stop-color='#f00'/></linearGradient></defs>\
         <a href='https://example.org/page'><g class='a'><rect class='b' width='9' height='9'/></g></a>\
         <image href='data:image/png;base64,AAAA' width='5' height='5'/><use xlink:href='#g'/>";
    let done = done(&drawing(inside), &request());
    for kept in [
        "https://example.org/page",
        "data:image/png;base64,AAAA",
        "xlink:href=\"#g\"",
        "url(#g)",
        "<g class=\"a\">",
    ] {
        assert!(text(&done).contains(kept), "{kept}: {}", text(&done));
    }
    assert!(done.report.warnings.is_empty(), "{:?}", done.report.warnings);
}

#[test]
fn text_stays_as_it_is() {
    let words =
        "<text x=\"1.00000\" y=\"20\" xml:space=\"preserve\">  two  <tspan dx=\"1.50\">words</tspan> </text>";
    let done = done(&drawing(&format!("<!-- a comment that goes -->\n{words}\n")), &request());
    assert!(text(&done).contains(words), "{}", text(&done));
}

#[test]
fn who_holds_the_rights_is_kept_as_the_policy_says() {
    let rdf = "<metadata><rdf:RDF xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#' xmlns:cc='http://creativecommons.org/ns#' \
         xmlns:dc='http://purl.org/dc/elements/1.1/'><cc:Work rdf:about=''><dc:format>image/svg+xml</dc:format>\
         <dc:rights><cc:Agent><dc:title>(c) Ana &amp; Bo</dc:title></cc:Agent></dc:rights></cc:Work></rdf:RDF></metadata>";
    let bytes =
        drawing(&format!("{rdf}\n   <rect   width='10.0000' height='5.00000' fill='#ff0000'  />\n\n"));
    let under = |name| {
        done(
            &bytes,
            &Request { metadata: MetadataPolicy { policy: name, ..MetadataPolicy::default() }, ..request() },
        )
    };
    let web = under(PolicyName::Web);
    assert!(text(&web).contains("<dc:rights>(c) Ana &amp; Bo</dc:rights>"), "{}", text(&web));
    assert!(!text(&web).contains("image/svg+xml"));
    let found = read_metadata(&web.bytes, &Limits::default()).unwrap();
    assert_eq!(found.rights.copyright.as_deref(), Some("(c) Ana & Bo"));
    assert!(!text(&under(PolicyName::Private)).contains("Ana"));
    assert_eq!(under(PolicyName::Archive).bytes, bytes);
}

#[test]
fn pixels_are_made_of_it_on_request() {
    let bytes = drawing(
        "<rect width='100' height='60' fill='#336699'/><rect width='10' height='10' fill='#fff' fill-opacity='.5'/>",
    );
    let png = done(&bytes, &Request { format: OutputFormat::of(Format::Png), ..request() });
    let facts = (
        png.report.output.format,
        png.report.output.width,
        png.report.output.height,
        png.report.output.alpha,
    );
    assert_eq!(facts, (Format::Png, 100, 60, false));
    let mut decoder = png::Decoder::new(std::io::Cursor::new(&png.bytes));
    decoder.set_transformations(png::Transformations::EXPAND);
    let mut reader = decoder.read_info().unwrap();
    let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
    let length = reader.next_frame(&mut pixels).unwrap().buffer_size();
    assert_eq!(pixels[length - 3..length], [0x33, 0x66, 0x99]);
    let words = drawing("<text>words</text>");
    let refused =
        try_with(&words, &Request { format: OutputFormat::of(Format::Png), ..request() }).unwrap_err();
    assert!(matches!(&refused, Error::Unsupported(why) if why.contains("letters")), "{refused}");
}

#[test]
fn what_would_be_too_much_is_refused_before_it_is_drawn() {
    let levels: String =
        (1..40).map(|n| format!("<g id='l{n}'><use href='#l{0}'/><use href='#l{0}'/></g>", n - 1)).collect();
    let patterns: String = (1..40)
        .map(|n| {
            format!(
                "<pattern id='l{n}'><path fill='url(#l{0})'/><path style='fill:url(#l{0})'/></pattern>",
                n - 1
            )
        })
        .collect();
    let chain: String = (1..2000).map(|n| format!("<g id='l{n}'><use href='#l{}'/></g>", n - 1)).collect();
    let start = "<path id='l0' d='M0 0h1'/>";
    for (what, bytes) in [
        ("drawn elements", drawing(&format!("{start}{levels}"))),
        ("drawn elements", drawing(&format!("{start}{patterns}"))),
        ("levels", drawing(&format!("{start}{chain}"))),
        ("levels", drawing(&format!("{}{}", "<g>".repeat(500), "</g>".repeat(500)))),
        ("nodes", drawing(&"<g/>".repeat(300_000))),
        ("octaves", drawing("<filter id='f'><feTurbulence numOctaves='4000000000'/></filter>")),
        (
            "bytes of entities",
            [
                format!("<!DOCTYPE svg [<!ENTITY a \"{}\">]>", "x".repeat(10_000)).into_bytes(),
                drawing(&format!("<text>{}</text>", "&a;".repeat(1000))),
            ]
            .concat(),
        ),
        ("bytes", drawing(&" ".repeat(16_000_001))),
    ] {
        let refused = try_with(&bytes, &request()).unwrap_err();
        assert!(
            matches!(&refused, Error::LimitExceeded { limit, .. } if limit.contains(what)),
            "{what}: {refused}"
        );
    }
    let laughs = "<!DOCTYPE svg [<!ENTITY a \"ha\"><!ENTITY b \"&a;&a;&a;\">]>";
    let refused =
        try_with(&[laughs.as_bytes(), &drawing("<text>&b;</text>")].concat(), &request()).unwrap_err();
    assert_eq!(refused.code(), "unsupported");
}

#[test]
fn a_drawing_that_is_too_large_to_be_drawn_keeps_its_shapes_and_is_made_safe_all_the_same() {
    let shape = format!("<path data-note='{}' d='M 1.000000 1.000000 h 1'/>", "x".repeat(2_000));
    let shapes = shape.repeat(1_010);
    let kept = try_with(&drawing(&format!("<!-- a -->{shapes}")), &request()).unwrap();
    assert_eq!(kept.report.outcome, Outcome::KeptOriginal);
    assert!(!text(&kept).contains("<!--") && text(&kept).contains("M 1.000000 1.000000 h 1"));
    let safe = try_with(&drawing(&format!("<script/>{shapes}")), &request()).unwrap();
    assert!(!text(&safe).contains("script"));
}

#[test]
fn what_stands_for_itself_ends() {
    for inside in [
        "<g id='a'><use href='#a'/></g>",
        "<use id='a' href='#b'/><use id='b' href='#a'/>",
        "<pattern id='a'><path fill='url(#a)' d='M0 0h9v9'/></pattern><path fill='url(#a)' d='M0 0h9v9'/>",
        "<mask id='a' mask='url(#b)'/><mask id='b' mask='url(#a)'/><path mask='url(#a)' d='M0 0h9v9'/>",
        "<clipPath id='a' clip-path='url(#a)'><path d='M0 0h9v9'/></clipPath><path clip-path='url(#a)' d='M0 0h9v9'/>",
        "<marker id='a'><path marker-end='url(#a)' d='M0 0h9v9'/></marker><path marker-end='url(#a)' d='M0 0h9v9'/>",
        "<filter id='a'><feImage href='#b'/></filter><path id='b' filter='url(#a)' d='M0 0h9v9'/>",
        "<linearGradient id='a' href='#b'/><linearGradient id='b' href='#a'/><path fill='url(#a)' d='M0 0h9v9'/>",
    ] {
        done(&drawing(inside), &request());
    }
}

#[test]
fn entities_of_a_drawing_program_are_understood() {
    let bytes = "<?xml version='1.0'?><!DOCTYPE svg [<!ENTITY ns_svg \"http://www.w3.org/2000/svg\">]>\
         <svg xmlns='&ns_svg;' width='10' height='10'><path d='M 0,0 L 5,5'/></svg>";
    assert_eq!(inspect(bytes.as_bytes(), &Limits::default()).unwrap().width, 10);
    assert!(
        text(&done(bytes.as_bytes(), &request())).starts_with("<svg xmlns=\"http://www.w3.org/2000/svg\"")
    );
}

#[test]
fn a_drawing_that_is_cut_anywhere_is_refused() {
    let bytes = verbose();
    for end in (1..bytes.len() - 8).step_by(7) {
        let refused = try_with(&bytes[..end], &request()).unwrap_err();
        assert!(matches!(refused.code(), "malformed" | "unsupported"), "{end}: {refused}");
    }
}

#[test]
fn sizes_that_it_cannot_have_are_refused_with_a_sentence() {
    let resize = demitasse_engine::Resize {
        method: demitasse_engine::ResizeMethod::Fit,
        width: Some(20),
        height: Some(20),
        enlarge: false,
    };
    let refused = try_with(&verbose(), &request().with_resize(resize)).unwrap_err();
    assert!(refused.to_string().contains("png"), "{refused}");
    let png = Request { format: OutputFormat::of(Format::Png), ..request() }.with_resize(resize);
    assert_eq!(done(&drawing("<rect width='50' height='60'/>"), &png).report.output.width, 20);
    let huge =
        b"<svg xmlns='http://www.w3.org/2000/svg' width='70000' height='70000'><path d='M 0 0 h 1'/></svg>";
    let refused =
        try_with(huge, &Request { format: OutputFormat::of(Format::Png), ..request() }).unwrap_err();
    assert_eq!(refused.code(), "limit_exceeded");
    done(huge, &request());
}
