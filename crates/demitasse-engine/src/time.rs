//! How much processor time a request takes, told from the header; what would take too much is left out.
//!
//! Told, not taken: the same request on the same limits tries the same formats on a slow machine and on a fast one.

use crate::codec::{Header, codec};
use crate::memory::pixels_made;
use crate::report::Warning;
use crate::{Format, Request};

/// Takes the formats away whose search is predicted to take more than `budget` seconds, and says so of each; the cheapest
/// that can carry the image's alpha stays whatever it takes.
pub(crate) fn leave_out(
    formats: &mut Vec<Format>,
    header: &Header,
    request: &Request,
    budget: Option<u64>,
) -> Vec<Warning> {
    let Some(budget) = budget else { return Vec::new() };
    let needed = |format: Format| needed_for(format, header, request);
    let carries = |format: &&Format| !header.alpha || format.capabilities().alpha;
    let able = formats.iter().filter(carries).map(|format| needed(*format));
    let cheapest = able.fold(f64::INFINITY, f64::min);
    let mut warnings = Vec::new();
    formats.retain(|format| {
        let needed = needed(*format);
        let fits = needed <= budget as f64 || needed <= cheapest;
        if !fits {
            let detail = format!(
                "{format} was not tried: it takes about {needed:.0} s of processor time, and {budget} s may be taken"
            );
            warnings.push(Warning { code: "left_out_for_time".into(), detail });
        }
        fits
    });
    warnings
}

/// Seconds of one core.
fn needed_for(format: Format, header: &Header, request: &Request) -> f64 {
    codec(format).pace(request.effort) * pixels_made(header, request) as f64 / 1e6
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Effort, Resize, ResizeMethod, Target};

    const PHOTO: Header = Header {
        format: Format::Jpeg,
        width: 6000,
        height: 4000,
        bits: 8,
        alpha: false,
        animated: false,
        sequential: true,
    };

    fn left(request: &Request, budget: Option<u64>) -> (Vec<Format>, usize) {
        let mut formats = vec![Format::Jpeg, Format::Avif];
        let warnings = leave_out(&mut formats, &PHOTO, request, budget);
        (formats, warnings.len())
    }

    #[test]
    fn what_takes_too_long_is_left_out_and_the_cheapest_never() {
        let request = Request { effort: Effort::Max, ..Request::new(Target::Lossless) };
        assert_eq!(left(&request, None), (vec![Format::Jpeg, Format::Avif], 0));
        assert_eq!(left(&request, Some(10_000)), (vec![Format::Jpeg, Format::Avif], 0));
        assert_eq!(left(&request, Some(60)), (vec![Format::Jpeg], 1));
        assert_eq!(left(&request, Some(0)), (vec![Format::Jpeg], 1));
    }

    #[test]
    fn a_format_that_carries_the_alpha_stays() {
        let request = Request { effort: Effort::Max, ..Request::new(Target::Lossless) };
        let header = Header { format: Format::Png, alpha: true, sequential: false, ..PHOTO };
        let mut formats = vec![Format::Jpeg, Format::Webp, Format::Avif];
        assert_eq!(leave_out(&mut formats, &header, &request, Some(0)).len(), 1);
        assert_eq!(formats, [Format::Jpeg, Format::Webp]);
    }

    #[test]
    fn less_effort_and_a_small_size_take_less() {
        let max = Request { effort: Effort::Max, ..Request::new(Target::Lossless) };
        let fast = Request { effort: Effort::Fast, ..max };
        let resize =
            Resize { method: ResizeMethod::Fit, width: Some(400), height: Some(400), enlarge: false };
        for request in [fast, max.with_resize(resize)] {
            assert_eq!(left(&request, Some(60)), (vec![Format::Jpeg, Format::Avif], 0));
        }
    }
}
