//! From averages of error maps to a score.
//!
//! Source: the constants of SSIMULACRA 2.1, `Msssim::Score` in github.com/cloudinary/ssimulacra2, trained on opinions of
//! people.

/// How many sums a channel has on one scale: see [`Sums`].
pub(super) const SUMS: usize = 6;

/// Sums over pixels of one channel on one scale: structural error, added detail (artifacts) and lost detail; of each the
/// values, then their fourth powers.
pub(super) type Sums = [f64; SUMS];

/// In the order of [`Averages`]: channel (X, Y, B), scale, norm (mean, 4-norm), map (structure, artifacts, lost detail).
const WEIGHTS: [f64; 108] = [
    0.0,
    0.0007376606707406586,
    0.0,
    0.0,
    0.0007793481682867309,
    0.0,
    0.0,
    0.0004371155730107379,
    0.0,
    1.1041726426657346,
    0.00066284834129271,
    0.00015231632783718752,
    0.0,
    0.0016406437456599754,
    0.0,
    1.8422455520539298,
    11.441172603757666,
    0.0,
    0.0007989109436015163,
    0.000176816438078653,
    0.0,
    1.8787594979546387,
    10.94906990605142,
    0.0,
    0.0007289346991508072,
    0.9677937080626833,
    0.0,
    0.00014003424285435884,
    0.9981766977854967,
    0.00031949755934435053,
    0.0004550992113792063,
    0.0,
    0.0,
    0.0013648766163243398,
    0.0,
    0.0,
    0.0,
    0.0,
    0.0,
    7.466890328078848,
    0.0,
    17.445833984131262,
    0.0006235601634041466,
    0.0,
    0.0,
    6.683678146179332,
    0.00037724407979611296,
    1.027889937768264,
    225.20515300849274,
    0.0,
    0.0,
    19.213238186143016,
    0.0011401524586618361,
    0.001237755635509985,
    176.39317598450694,
    0.0,
    0.0,
    24.43300999870476,
    0.28520802612117757,
    0.0004485436923833408,
    0.0,
    0.0,
    0.0,
    34.77906344483772,
    44.835625328877896,
    0.0,
    0.0,
    0.0,
    0.0,
    0.0,
    0.0,
    0.0,
    0.0,
    0.0008680556573291698,
    0.0,
    0.0,
    0.0,
    0.0,
    0.0,
    0.0005313191874358747,
    0.0,
    0.00016533814161379112,
    0.0,
    0.0,
    0.0,
    0.0,
    0.0,
    0.0004179171803251336,
    0.0017290828234722833,
    0.0,
    0.0020827005846636437,
    0.0,
    0.0,
    8.826982764996862,
    23.19243343998926,
    0.0,
    95.1080498811086,
    0.9863978034400682,
    0.9834382792465353,
    0.0012286405048278493,
    171.2667255897307,
    0.9807858872435379,
    0.0,
    0.0,
    0.0,
    0.0005130064588990679,
    0.0,
    0.00010854057858411537,
];

/// What weighs less than this moves a score by less than 0.02 and is not computed: more than half of all maps, and at full
/// resolution all but those of luma. After Kanetaka et al., Fast Implementation of SSIMULACRA2, IWAIT 2026.
const NEGLIGIBLE: f64 = 0.01;

/// Which of the weights apply where `scale` (0 is full resolution) is one of `scales`. Where there are fewer than six,
/// the weights move up, as they do in the published metric.
fn first_weight(channel: usize, scale: usize, scales: usize) -> usize {
    (channel * scales + scale) * SUMS
}

/// Whether a channel counts on a scale.
pub(super) fn counts(channel: usize, scale: usize, scales: usize) -> bool {
    let first = first_weight(channel, scale, scales);
    WEIGHTS[first..first + SUMS].iter().any(|weight| *weight >= NEGLIGIBLE)
}

/// The score: 100 is identical, and there is no lower end.
///
/// `sums[scale][channel]` and the pixels that each scale's were taken over.
pub(super) fn score(sums: &[[Sums; 3]], pixels: &[f64]) -> f64 {
    let scales = sums.len();
    let mut error = 0.0;
    for (scale, (sums, pixels)) in sums.iter().zip(pixels).enumerate() {
        for (channel, [structure, structure4, added, added4, lost, lost4]) in sums.iter().enumerate() {
            let mean = |sum: &f64| sum / pixels;
            let norm = |sum: &f64| mean(sum).sqrt().sqrt();
            let averages =
                [mean(structure), mean(added), mean(lost), norm(structure4), norm(added4), norm(lost4)];
            let weights = &WEIGHTS[first_weight(channel, scale, scales)..][..SUMS];
            error += weights.iter().zip(averages).map(|(weight, average)| weight * average).sum::<f64>();
        }
    }
    on_the_scale(error)
}

/// From a weighted error to the scale on which 90, 70 and 50 have their meanings.
fn on_the_scale(error: f64) -> f64 {
    let x = error * 0.956_238_261_683_484_4;
    let bent =
        2.326_765_642_916_932 * x - 0.020_884_521_182_843_837 * x * x + 6.248_496_625_763_138e-5 * x * x * x;
    if bent > 0.0 { 100.0 - 10.0 * bent.powf(0.627_633_646_783_138_7) } else { 100.0 }
}
