//! How libaom is brought to a step of the quantizer.
//!
//! AV1 has 255 steps. libaom's own scale has 64, every fourth of them, and between two of those a photo's score changes
//! by 0.6 to 1.5. The steps between are reached by its control of the bit rate: for a single image it takes the step
//! whose model of bits comes closest to a target, and neither target nor model look at the picture. What comes out is
//! what the step itself gives, byte for byte (`docs/decisions/0011-avif.md`).

use super::planes::Planes;

/// What libaom is told to reach a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rate {
    /// This number of its own scale, 0 to 63.
    Own(u8),
    /// A bit rate, in kilobits a second of [`FRAMES_A_SECOND`].
    Target(u32),
}

/// The most that libaom takes: the steps of the rate are finest.
pub(super) const FRAMES_A_SECOND: i32 = 180;

/// Steps that the bit rate reaches: below, libaom makes a key frame no better; above, no worse.
const STEERED: std::ops::RangeInclusive<u8> = 56..=220;
/// Below this rate, in kilobits a second, rounding it may miss the step.
const MIN_RATE: f64 = 40.0;
/// Bits of a block of 16 x 16 pixels times the quantizer, of a key frame (libaom 3.11, `get_bpmb_enumerator`), times the
/// unit of bits (512).
const BLOCK_BITS: f64 = 2_000_000.0 / 512.0;
/// How much of the rate a key frame gets, in frames (measured: the same at every size, step and content).
const KEY_FRAME_SHARE: f64 = 25.0;

/// For step `qindex`, 0 to 255, of these planes.
pub(super) fn rate(planes: &Planes, qindex: u8) -> Rate {
    let own = own(qindex);
    if step(own) == qindex || planes.bits != 10 || !STEERED.contains(&qindex) {
        return Rate::Own(own);
    }
    let blocks = f64::from(planes.width.div_ceil(16)) * f64::from(planes.height.div_ceil(16));
    let quantizer = f64::from(AC_10_BITS[usize::from(qindex)]) / 16.0;
    let frame_bits = BLOCK_BITS / quantizer * blocks / KEY_FRAME_SHARE;
    let rate = frame_bits * f64::from(FRAMES_A_SECOND) / 1000.0;
    if rate < MIN_RATE { Rate::Own(own) } else { Rate::Target(rate.round() as u32) }
}

/// The nearest number of libaom's own scale; 0, which is lossless, for step 0 only.
pub(super) fn own(qindex: u8) -> u8 {
    match qindex {
        0 => 0,
        1..=246 => ((qindex + 2) / 4).clamp(1, 61),
        247..=251 => 62,
        252.. => 63,
    }
}

/// The step of a number of libaom's own scale (libaom 3.11, `quantizer_to_qindex`).
fn step(own: u8) -> u8 {
    match own {
        62 => 249,
        63.. => 255,
        own => own * 4,
    }
}

/// What each step divides by, of 10 bits, times 16 (AV1, section 7.12.2, `Ac_Qlookup[1]`).
const AC_10_BITS: [u16; 256] = [
    4, 9, 11, 13, 16, 18, 21, 24, 27, 30, 33, 37, 40, 44, 48, 51, 55, 59, 63, 67, 71, 75, 79, 83, 88, 92, 96,
    100, 105, 109, 114, 118, 122, 127, 131, 136, 140, 145, 149, 154, 158, 163, 168, 172, 177, 181, 186, 190,
    195, 199, 204, 208, 213, 217, 222, 226, 231, 235, 240, 244, 249, 253, 258, 262, 267, 271, 275, 280, 284,
    289, 293, 297, 302, 306, 311, 315, 319, 324, 328, 332, 337, 341, 345, 349, 354, 358, 362, 367, 371, 375,
    379, 384, 388, 392, 396, 401, 409, 417, 425, 433, 441, 449, 458, 466, 474, 482, 490, 498, 506, 514, 523,
    531, 539, 547, 555, 563, 571, 579, 588, 596, 604, 616, 628, 640, 652, 664, 676, 688, 700, 713, 725, 737,
    749, 761, 773, 785, 797, 809, 825, 841, 857, 873, 889, 905, 922, 938, 954, 970, 986, 1002, 1018, 1038,
    1058, 1078, 1098, 1118, 1138, 1158, 1178, 1198, 1218, 1242, 1266, 1290, 1314, 1338, 1362, 1386, 1411,
    1435, 1463, 1491, 1519, 1547, 1575, 1603, 1631, 1663, 1695, 1727, 1759, 1791, 1823, 1859, 1895, 1931,
    1967, 2003, 2039, 2079, 2119, 2159, 2199, 2239, 2283, 2327, 2371, 2415, 2459, 2507, 2555, 2603, 2651,
    2703, 2755, 2807, 2859, 2915, 2971, 3027, 3083, 3143, 3203, 3263, 3327, 3391, 3455, 3523, 3591, 3659,
    3731, 3803, 3876, 3952, 4028, 4104, 4184, 4264, 4348, 4432, 4516, 4604, 4692, 4784, 4876, 4972, 5068,
    5168, 5268, 5372, 5476, 5584, 5692, 5804, 5916, 6032, 6148, 6268, 6388, 6512, 6640, 6768, 6900, 7036,
    7172, 7312,
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_step_is_reached_or_the_nearest_of_the_own_scale_is_taken() {
        let planes =
            |side: u32| Planes { width: side, height: side, bits: 10, luma: Vec::new(), chroma: None };
        for qindex in 0..=255 {
            assert!(step(own(qindex)).abs_diff(qindex) <= 3, "{qindex}");
            assert_eq!(own(qindex) == 0, qindex == 0);
            assert!(matches!(rate(&planes(16), qindex), Rate::Own(_)));
        }
        assert_eq!(rate(&planes(512), 112), Rate::Own(28));
        assert!(matches!(rate(&planes(512), 113), Rate::Target(_)));
    }
}
