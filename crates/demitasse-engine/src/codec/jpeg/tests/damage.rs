//! Damaged files: an error or the whole picture, never a panic, never a part passed as whole.

use super::*;

fn originals() -> Vec<Vec<u8>> {
    let photo = photo(90, 70, Layout::Rgb);
    let restarts = with_restarts();
    vec![raw(&photo, true, 0), raw(&photo, true, 2), raw(&photo, false, 1), restarts]
}

/// Two blocks of gray with a restart marker between.
fn with_restarts() -> Vec<u8> {
    let mut file = cmyk(false);
    let sof = file.windows(2).position(|pair| pair == [0xFF, 0xC0]).unwrap();
    file[sof + 8] = 16;
    file.splice(sof..sof, [0xFF, 0xDD, 0, 4, 0, 1]);
    let end = file.len() - 2;
    file.splice(end..end, [0xFF, 0xD0, 0x02, 0x00]);
    file
}

#[test]
fn no_cut_is_passed_as_whole() {
    for file in originals() {
        let whole = pixels(&file);
        for length in 0..file.len() {
            if let Ok(decoded) = decode(&file[..length]) {
                assert!(decoded.image == whole, "{length} of {} bytes pass with other pixels", file.len());
                assert_eq!(decoded.warnings.iter().filter(|w| w.code == "missing_end_marker").count(), 1);
            }
        }
        assert!(decode(&file[..file.len() - 2]).is_ok(), "a missing end marker alone is accepted");
    }
}

#[test]
fn a_missing_restart_marker_is_noticed() {
    let mut file = with_restarts();
    let restart = file.len() - 5;
    assert_eq!(file[restart], 0xD0);
    file[restart] = 0xD3;
    assert_eq!(decode(&file).unwrap_err().code(), "malformed");
}

#[test]
fn flipped_bytes_never_panic_or_hang() {
    let mut random = 7_u32;
    let mut next = move |below: usize| {
        random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (random >> 8) as usize % below
    };
    let (limits, control) = (Limits { max_pixels: 1_000_000, ..Limits::default() }, Control::new());
    for file in originals() {
        for _ in 0..1500 {
            let mut damaged = file.clone();
            for _ in 0..=next(3) {
                let at = next(damaged.len());
                damaged[at] = next(256) as u8;
            }
            let within = Jpeg.read_header(&damaged).is_ok_and(|header| limits.check_header(&header).is_ok());
            let _ = Jpeg.read_metadata(&damaged, &limits);
            let _ = Jpeg.strip(&damaged, &Embedded::default());
            if within && Jpeg.decode(&damaged, &limits, &control).is_ok() {
                let _ = mozjpeg::transcode(&damaged, false, &control);
            }
        }
    }
}

#[test]
fn errors_say_whose_fault_it_is() {
    let file = raw(&photo(90, 70, Layout::Rgb), true, 0);
    let error = decode(&file[..file.len() / 2]).unwrap_err();
    assert!(error.to_string().contains("its data ends too early"), "{error}");
    for bytes in [&b""[..], b"\xFF\xD8", b"\xFF\xD8\xFF\xD9", b"GIF89a"] {
        assert_eq!(decode(bytes).unwrap_err().code(), "malformed");
    }
}

#[test]
fn damage_is_told_with_the_row_where_it_begins() {
    let file = raw(&photo(90, 70, Layout::Rgb), false, 0);
    let error = decode(&file[..file.len() * 3 / 4]).unwrap_err().to_string();
    let row: u32 = error.split("(row ").nth(1).unwrap().split(' ').next().unwrap().parse().unwrap();
    assert!((8..70).contains(&row) && error.contains("of 70"), "{error}");
}

#[test]
fn rows_above_the_damage_are_salvaged_as_they_were() {
    let file = raw(&photo(90, 70, Layout::Rgb), false, 0);
    let whole = pixels(&file);
    let (limits, control) = (Limits::default(), Control::new());
    let salvaged = Jpeg.salvage(&file[..file.len() * 3 / 4], &limits, &control).unwrap();
    let [warning] = salvaged.warnings.as_slice() else { panic!("{:?}", salvaged.warnings) };
    assert_eq!(warning.code, "salvaged");
    let told: usize =
        warning.detail.split("the first ").nth(1).unwrap().split(' ').next().unwrap().parse().unwrap();
    // Rows next to the damage are blurred with what is below them where chroma is halved: here it is not.
    let row = 90 * 3;
    let (before, after) = (whole.samples_u8().unwrap(), salvaged.image.samples_u8().unwrap());
    assert_eq!(before.len(), after.len());
    let same = before.chunks(row).zip(after.chunks(row)).take_while(|(a, b)| a == b).count();
    assert!(told >= 8 && same >= told, "{same} rows are as they were, and {told} are promised");
    assert!(same < 70);
}

#[test]
fn a_progressive_file_that_lacks_scans_is_salvaged_coarser() {
    let file = raw(&photo(90, 70, Layout::Rgb), true, 2);
    let (limits, control) = (Limits::default(), Control::new());
    let salvaged = Jpeg.salvage(&file[..file.len() * 3 / 4], &limits, &control).unwrap();
    assert_eq!(salvaged.warnings[0].code, "salvaged");
    assert!(salvaged.image != pixels(&file));
}

#[test]
fn salvage_of_any_damage_ends_without_a_panic() {
    for file in originals() {
        for length in 0..file.len() {
            if let Ok(salvaged) = Jpeg.salvage(&file[..length], &Limits::default(), &Control::new()) {
                assert_eq!((salvaged.image.width, salvaged.image.height), {
                    let header = Jpeg.read_header(&file).unwrap();
                    (header.width, header.height)
                });
            }
        }
    }
}
