//! No harm to what moves: animations of every container, disposal, blend, delay, number of plays, transparency, profile and turn, each put
//! through three requests and looked at frame by frame; and drawings.

use demitasse_engine::metadata::Kind;
use demitasse_engine::{
    Control, Format, Limits, OutputFormat, Quality, Request, Target, compress, read_metadata, verify_receipt,
};

use crate::images::{exif, photo, with_chunks};
use crate::lab::difference;
use crate::moving::{Disposal, Frame, Pixel, Shown, apng, gif, shown, webp};

const WIDTH: u32 = 96;
const HEIGHT: u32 = 64;
const SIZE: (u32, u32) = (WIDTH, HEIGHT);
/// Side of the flat patches along the top.
const PATCH: u32 = 24;
/// Seen colours may be so far apart, by CIEDE2000.
const MAX_DIFFERENCE: f64 = 1.0;
const FRAMES: u32 = 5;

/// How a scene is cut into frames.
#[derive(Debug, Clone, Copy)]
struct Scene {
    disposal: Disposal,
    blends: bool,
    /// Holes, and in what carries it soft edges.
    is_transparent: bool,
    /// Whether frames after the first are only as large as what moves.
    is_partial: bool,
    has_soft_alpha: bool,
}

impl Scene {
    fn frames(self, delays: &[(u32, u32)]) -> Vec<Frame> {
        let delay = |index: u32| delays[index as usize % delays.len()];
        (0..FRAMES).map(|index| self.frame(index, delay(index))).collect()
    }

    fn frame(self, index: u32, delay: (u32, u32)) -> Frame {
        let place =
            if index > 0 && self.is_partial { [index * 12, 28, 36, 30] } else { [0, 0, WIDTH, HEIGHT] };
        let [left, top, width, height] = place;
        let grain = photo(WIDTH, HEIGHT);
        let pixels = (top..top + height)
            .flat_map(|y| (left..left + width).map(move |x| (x, y)))
            .map(|(x, y)| self.pixel(index, (x, y), &grain))
            .collect();
        let disposal = if index == 0 && self.is_partial { Disposal::Keep } else { self.disposal };
        Frame { place, pixels, blends: self.blends, disposal, delay }
    }

    /// Flat patches along the top, of which one changes its colour; below, a photo of few colours, over which a disc runs.
    fn pixel(self, index: u32, (x, y): (u32, u32), grain: &[u8]) -> Pixel {
        let (dx, dy) = (f64::from(x) - f64::from(index * 12 + 18), f64::from(y) - 43.0);
        let distance = dx.hypot(dy);
        match (x, y) {
            _ if y < PATCH => patch_color(x / PATCH, index),
            _ if distance < 9.0 => [240, 200, 40, 255],
            _ if self.is_transparent && self.has_soft_alpha && distance < 14.0 => [240, 200, 40, 128],
            _ if self.is_transparent && (x / 8 + y / 8 + index).is_multiple_of(4) => [0; 4],
            _ => {
                let at = ((y * WIDTH + x) * 3) as usize;
                let [red, green, blue] = [0, 1, 2].map(|channel| grain[at + channel] / 32 * 32 + 16);
                [red, green, blue, 255]
            }
        }
    }
}

fn patch_color(patch: u32, index: u32) -> Pixel {
    match patch {
        0 => [200, 30, 40, 255],
        1 => [30, 140, 60, 255],
        2 => [40, 60, 180, 255],
        _ if index < 3 => [128, 128, 128, 255],
        _ => [90, 110, 130, 255],
    }
}

fn scenes(can_replace: bool, can_restore: bool, has_soft_alpha: bool) -> Vec<Scene> {
    let mut scenes = Vec::new();
    for disposal in [Disposal::Keep, Disposal::Clear, Disposal::Restore] {
        for blends in [true, false] {
            for (is_transparent, is_partial) in [(false, false), (false, true), (true, false), (true, true)] {
                if (blends || can_replace) && (disposal != Disposal::Restore || can_restore) {
                    scenes.push(Scene { disposal, blends, is_transparent, is_partial, has_soft_alpha });
                }
            }
        }
    }
    scenes
}

/// Puts a file through three requests and looks at every frame.
fn look(format: Format, bytes: &[u8], what: &str) -> usize {
    let requests = [
        Request::default(),
        Request::default().with_format(OutputFormat::Auto),
        Request::new(Target::Lossless),
    ];
    let before = shown(format, bytes);
    let metadata = read_metadata(bytes, &Limits::default()).unwrap();
    for request in requests {
        let done = compress(bytes, &request, &Limits::default(), &Control::new()).unwrap();
        let report = &done.report;
        let case = || format!("{what}, {:?} to {:?}: {report:?}", request.target, request.format);
        assert!(done.bytes.len() <= bytes.len(), "larger: {}", case());
        let found = verify_receipt(report, bytes, &done.bytes, &Limits::default(), &Control::new()).unwrap();
        assert!(found.holds(), "{found:?} of {}", case());
        let after = shown(report.output.format, &done.bytes);
        assert_eq!((after.size, after.frames.len()), (before.size, before.frames.len()), "{}", case());
        assert!(after.keeps_time_of(&before), "time: {after:?} of {}", case());
        if let Some(harm) = harm(&before, &after, report.lossless, metadata.icc.is_some()) {
            panic!("{harm}: {}", case());
        }
        let kept = read_metadata(&done.bytes, &Limits::default()).unwrap();
        assert_eq!((&kept.icc, kept.orientation), (&metadata.icc, metadata.orientation), "{}", case());
        if metadata.icc.is_some() {
            assert!(report.metadata.kept.iter().any(|item| item.kind == Kind::Icc), "{}", case());
        }
    }
    requests.len()
}

/// What is not as it was, by frame.
fn harm(before: &Shown, after: &Shown, is_lossless: bool, is_p3: bool) -> Option<String> {
    before.frames.iter().zip(&after.frames).enumerate().find_map(|(index, (before, after))| {
        // What is half transparent is rounded when it is laid over: by one, in whatever order.
        let soft = before.iter().any(|pixel| !matches!(pixel[3], 0 | 255));
        let differs = |before: &Pixel, after: &Pixel| {
            let far = before.iter().zip(after).map(|(before, after)| before.abs_diff(*after)).max();
            before[3].abs_diff(after[3]) > 1 || is_lossless && before[3] > 0 && far > Some(u8::from(soft))
        };
        let count = before.iter().zip(after).filter(|(before, after)| differs(before, after)).count();
        if count > 0 {
            return Some(format!("{count} pixels of frame {index}"));
        }
        (0..WIDTH / PATCH).find_map(|patch| {
            // What was coded with loss before is not flat any more.
            let first = before[inner(patch).next()?];
            let is_flat = inner(patch).all(|at| before[at] == first);
            let [one, other] = [before, after].map(|frame| mean_color(frame, patch));
            let far = difference(one, other, is_p3);
            (is_flat && far > MAX_DIFFERENCE)
                .then(|| format!("patch {patch} of frame {index} is {far:.2} off: {one:?} {other:?}"))
        })
    })
}

/// Where the pixels of the inner part of a patch are.
fn inner(patch: u32) -> impl Iterator<Item = usize> {
    (8..16).flat_map(move |y| (8..16).map(move |x| (y * WIDTH + patch * PATCH + x) as usize))
}

/// Of the inner part of a patch, over black.
fn mean_color(frame: &[Pixel], patch: u32) -> [f64; 3] {
    let mut sum = [0.0; 3];
    for at in inner(patch) {
        let pixel = frame[at];
        for (sum, sample) in sum.iter_mut().zip(pixel) {
            *sum += f64::from(sample) * f64::from(pixel[3]) / 255.0;
        }
    }
    sum.map(|sum| sum / 64.0)
}

#[test]
fn no_gif_is_harmed() {
    let mut looked = 0;
    let times: [(u32, &[(u32, u32)]); 3] =
        [(0, &[(4, 100), (7, 100)]), (1, &[(0, 100), (1, 100)]), (1000, &[(65_535, 100), (2, 100)])];
    for scene in scenes(false, true, false) {
        for (plays, delays) in times {
            let file = gif(SIZE, plays, &scene.frames(delays));
            looked += look(Format::Gif, &file, &format!("GIF {scene:?} {plays} {delays:?}"));
        }
    }
    assert_eq!(looked, 3 * 4 * 3 * 3);
}

#[test]
fn no_apng_is_harmed() {
    let mut looked = 0;
    let times: [(u32, &[(u32, u32)]); 2] =
        [(0, &[(1, 30), (0, 0), (40, 1000)]), (70_000, &[(65_535, 1), (0, 100), (7, 0)])];
    for (index, scene) in scenes(true, true, true).into_iter().enumerate() {
        let (plays, delays) = times[index % 2];
        let file = apng(SIZE, plays, &scene.frames(delays));
        looked += look(Format::Png, &file, &format!("APNG {scene:?} {plays}"));
    }
    assert_eq!(looked, 3 * 2 * 4 * 3);
}

#[test]
fn no_turned_or_wide_apng_is_harmed() {
    let scene = scenes(true, true, true)[3];
    let file = apng(SIZE, 2, &scene.frames(&[(1, 10)]));
    let mut packed = flate2::write::ZlibEncoder::new(b"p3\0\0".to_vec(), flate2::Compression::fast());
    std::io::Write::write_all(&mut packed, &p3()).unwrap();
    let profile = packed.finish().unwrap();
    let mut looked = 0;
    for orientation in 1..=8 {
        let turn = &exif(orientation, "Ada", true)[6..];
        let file = with_chunks(&file, &[(b"iCCP", &profile), (b"eXIf", turn)]);
        looked += look(Format::Png, &file, &format!("APNG turned by {orientation}"));
    }
    assert_eq!(looked, 8 * 3);
}

fn p3() -> Vec<u8> {
    moxcms::ColorProfile::new_display_p3().encode().unwrap()
}

#[test]
fn no_moving_webp_is_harmed() {
    let mut looked = 0;
    let times: [(u32, &[(u32, u32)]); 2] =
        [(0, &[(33, 1000), (0, 1000)]), (65_535, &[(16_777_215, 1000), (1, 1000)])];
    for scene in scenes(true, false, true) {
        for (index, target) in
            [Target::Lossless, Target::Quality { quality: Quality(50.0) }].into_iter().enumerate()
        {
            let (plays, delays) = times[index];
            let file = webp(SIZE, plays, &scene.frames(delays), target, &[]);
            looked += look(Format::Webp, &file, &format!("WebP {scene:?} {plays} {target:?}"));
        }
    }
    assert_eq!(looked, 2 * 2 * 4 * 2 * 3);
}

#[test]
fn no_turned_or_wide_moving_webp_is_harmed() {
    let scene = scenes(true, false, true)[3];
    let profile = p3();
    let mut looked = 0;
    for orientation in 1..=8 {
        let turn = &exif(orientation, "Ada", true)[6..];
        let more = [(0x20, b"ICCP", profile.as_slice()), (0x08, b"EXIF", turn)];
        let file = webp(SIZE, 3, &scene.frames(&[(100, 1000)]), Target::Lossless, &more);
        looked += look(Format::Webp, &file, &format!("WebP turned by {orientation}"));
    }
    assert_eq!(looked, 8 * 3);
}

/// Drawings are drawn before and after, each in pixels of its own.
#[test]
fn no_drawing_is_harmed() {
    let shapes = [
        "<rect x='10' y='8' width='40' height='30' fill='#c81e28'/><circle cx='70' cy='30' r='18.50000' fill='#283cb4'/>",
        "<g opacity='0.5'><path d='M 10.0000,10.0000 L 90.00000,10 L 50 , 55.12345 Z' style='fill: #1e8c3c; stroke: black'/></g>",
        "<defs><linearGradient id='g'><stop offset='0' stop-color='red'/><stop offset='1' stop-color='blue'/></linearGradient></defs>\
         <rect width='100' height='60' fill='url(#g)'/>",
        "<g transform='rotate(30 50 30) scale(0.5)'><ellipse cx='60' cy='40' rx='30' ry='12' fill='gray'/></g>\
         <defs><path id='p' d='M0 0h20v20z'/></defs><use href='#p' x='30' y='20' fill='teal'/>",
        "<clipPath id='c'><circle cx='50' cy='30' r='20'/></clipPath><rect width='100' height='60' clip-path='url(#c)' fill='orange'/>",
        "<mask id='m'><rect width='50' height='60' fill='white'/></mask><rect width='100' height='60' mask='url(#m)' fill='purple'/>",
    ];
    let limits = Limits::default();
    for shape in shapes {
        let drawing = format!(
            "<?xml version=\"1.0\"?>\n<!-- drawn -->\n<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"100\" height=\"60\" \
             viewBox=\"0 0 100 60\">\n  {shape}\n  <script>alert(1)</script>\n</svg>\n"
        );
        let pixels = |file: &[u8]| {
            let request = Request::new(Target::Lossless).with_format(OutputFormat::of(Format::Png));
            crate::images::decode_png(&compress(file, &request, &limits, &Control::new()).unwrap().bytes)
        };
        let before = pixels(drawing.as_bytes());
        for request in [
            Request::default(),
            Request::default().with_format(OutputFormat::Auto),
            Request::new(Target::Lossless),
        ] {
            let done = compress(drawing.as_bytes(), &request, &limits, &Control::new()).unwrap();
            let found =
                verify_receipt(&done.report, drawing.as_bytes(), &done.bytes, &limits, &Control::new())
                    .unwrap();
            assert!(found.holds(), "{found:?}");
            assert_eq!(done.report.output.format, Format::Svg);
            assert!(
                done.bytes.len() <= drawing.len() && !String::from_utf8_lossy(&done.bytes).contains("alert")
            );
            let after = pixels(&done.bytes);
            assert_eq!((before.0, before.1, before.2), (after.0, after.1, after.2), "{shape}");
            let far: Vec<u8> =
                before.3.iter().zip(&after.3).map(|(before, after)| before.abs_diff(*after)).collect();
            let sum: f64 = far.iter().copied().map(f64::from).sum();
            // Edges may move by a part of a pixel.
            let most = if request.target == Target::Lossless { (Some(&0), 0.0) } else { (Some(&16), 0.2) };
            assert!(far.iter().max() <= most.0 && sum / far.len() as f64 <= most.1, "{sum}: {shape}");
        }
    }
}
