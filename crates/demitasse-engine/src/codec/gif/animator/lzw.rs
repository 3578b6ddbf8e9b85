//! LZW, as GIF has it (GIF89a, appendix F; Welch, "A technique for high-performance data compression", 1984), for pixels
//! that may be one of several indexes each.
//!
//! A pixel that does not change may be transparent or have its colour again, and one that may be lossy has several colours
//! that are near enough: of all that is allowed, that is taken which the dictionary has longest. What else there is to
//! choose is a [`Style`]; none is best for all pictures, and so several are tried.

/// Codes have no more bits.
const MOST_BITS: u32 = 12;
/// And so there are no more codes.
const MOST_CODES: usize = 1 << MOST_BITS;
const NONE: u16 = u16::MAX;
/// Matches up to so much shorter than the longest are looked at.
const SHORTER: usize = 2;
/// A full dictionary is looked at whenever it has put out so many bits: some 170 codes.
const WINDOW_BITS: u64 = 2048;

/// What may not be.
pub(super) const FORBIDDEN: u16 = u16::MAX;

/// How codes are chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Style {
    /// Whether a match is given up for a shorter one where that makes it and its successor longer together.
    pub looks_ahead: bool,
    /// What becomes of a full dictionary.
    pub when_full: WhenFull,
}

/// What becomes of a full dictionary.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum WhenFull {
    /// It goes as soon as it does worse than it did while it was filled.
    Weigh,
    /// It stays to the end.
    Keep,
    /// It goes at once.
    Clear,
}

/// What a pixel may be.
#[derive(Debug, Clone)]
pub(super) struct Choice {
    /// What each index costs; [`FORBIDDEN`] if the pixel may not have it.
    costs: Box<[u16; 256]>,
    /// Those that it may have; at least one.
    members: Vec<u8>,
}

impl Choice {
    /// From indexes and what each costs.
    pub(super) fn new(allowed: impl IntoIterator<Item = (u8, u16)>) -> Self {
        let mut choice = Self { costs: Box::new([FORBIDDEN; 256]), members: Vec::new() };
        for (index, cost) in allowed {
            if choice.costs[usize::from(index)] == FORBIDDEN {
                choice.members.push(index);
            }
            choice.costs[usize::from(index)] = cost.min(FORBIDDEN - 1);
        }
        choice
    }

    /// The largest index allowed.
    pub(super) fn largest(&self) -> u8 {
        self.members.iter().copied().max().unwrap_or(0)
    }
}

/// A colour, in coordinates in which distances are what an error counts.
pub(super) type Tone = [f32; 3];

/// Colours of pixels that need not be as they were. What one is off, the next makes up for, as in dithering: so the mean of
/// an area stays, however long the matches get.
#[derive(Debug, Clone, Copy)]
pub(super) struct Tones<'a> {
    /// Of each index.
    pub palette: &'a [Tone],
    /// Of each pixel, what it should be, and what it is if the transparent index, 0, leaves it.
    pub each: &'a [(Tone, Option<Tone>)],
    /// The square of how far a pixel may be off.
    pub most: f32,
    /// The part of its error that it hands on.
    pub diffusion: f32,
}

/// Pixels to encode.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pixels<'a> {
    /// What pixels may be.
    pub choices: &'a [Choice],
    /// For each pixel, which of the choices.
    pub each: &'a [u16],
    /// If they may be lossy, by how much; then choices cost nothing.
    pub tones: Option<Tones<'a>>,
}

impl Pixels<'_> {
    /// What it costs that a pixel has an index, and what is then handed on; `None` if it may not have it.
    fn cost(&self, at: usize, index: u8, carried: Tone) -> Option<(u64, Tone)> {
        let plain = self.choices[usize::from(self.each[at])].costs[usize::from(index)];
        if plain == FORBIDDEN {
            return None;
        }
        let Some(tones) = &self.tones else { return Some((plain.into(), carried)) };
        let (squared, error) = tones.error(at, index, carried);
        (squared <= tones.most).then(|| ((squared * 4.0) as u64, error.map(|error| error * tones.diffusion)))
    }

    /// The index that a pixel may have at the least cost, if none is near enough.
    fn nearest(&self, at: usize, carried: Tone) -> u8 {
        let members = self.choices[usize::from(self.each[at])].members.iter().copied();
        let off = |index: u8| self.tones.as_ref().map_or(0.0, |tones| tones.error(at, index, carried).0);
        members.min_by(|a, b| off(*a).total_cmp(&off(*b))).unwrap_or(0)
    }

    /// What is handed on after a string.
    fn carried_after(&self, at: usize, string: &[u8], carried: Tone) -> Tone {
        let hand_on = |carried, (step, index): (usize, &u8)| {
            self.cost(at + step, *index, carried).map_or([0.0; 3], |(_, carried)| carried)
        };
        string.iter().enumerate().fold(carried, hand_on)
    }
}

impl Tones<'_> {
    /// The square of how far a pixel is off with an index, and by what.
    fn error(&self, at: usize, index: u8, carried: Tone) -> (f32, Tone) {
        let (target, left) = self.each[at];
        let found = match (index, left) {
            (0, Some(left)) => left,
            _ => self.palette.get(usize::from(index)).copied().unwrap_or(target),
        };
        let error = [0, 1, 2].map(|axis| target[axis] + carried[axis] - found[axis]);
        (error.iter().map(|error| error * error).sum(), error)
    }
}

/// Encoded pixels.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Coded {
    /// The size of the first code, and the sub-blocks.
    pub data: Vec<u8>,
    /// What each pixel came to be.
    pub indexes: Vec<u8>,
    /// Whether the dictionary was full at some time.
    pub was_full: bool,
}

/// Encodes.
///
/// Cost: 10 to 100 ns a pixel, looking ahead three times as much; more where many colours are allowed.
pub(super) fn encode(pixels: Pixels<'_>, style: Style) -> Coded {
    let largest = pixels.choices.iter().map(Choice::largest).max().unwrap_or(0);
    let first_bits = (u8::BITS - largest.leading_zeros()).max(2);
    let mut encoder = Encoder::new(pixels, style, first_bits);
    encoder.put_clear();
    let mut at = 0;
    while at < pixels.each.len() {
        at += encoder.step(at);
    }
    encoder.finish(first_bits)
}

/// A string of the dictionary that pixels may be.
#[derive(Debug, Clone, Copy)]
struct Match {
    code: u16,
    length: usize,
    cost: u64,
}

struct Encoder<'a> {
    pixels: Pixels<'a>,
    style: Style,
    was_full: bool,
    dictionary: Dictionary,
    /// The code before, since the last clear.
    before: Option<u16>,
    bits: Bits,
    indexes: Vec<u8>,
    /// Where the search is.
    stack: Vec<(u16, u64, Tone)>,
    /// What the next pixel has to make up for.
    carried: Tone,
    gain: Gain,
}

/// What the dictionary came to.
#[derive(Debug, Clone, Copy, Default)]
struct Gain {
    pixels: u64,
    bits: u64,
    /// Pixels a bit of the time in which it was filled.
    filling: Option<f64>,
}

impl<'a> Encoder<'a> {
    fn new(pixels: Pixels<'a>, style: Style, first_bits: u32) -> Self {
        Self {
            pixels,
            style,
            was_full: false,
            dictionary: Dictionary::new(first_bits),
            before: None,
            bits: Bits::default(),
            indexes: Vec::with_capacity(pixels.each.len()),
            stack: Vec::new(),
            carried: [0.0; 3],
            gain: Gain::default(),
        }
    }

    fn put_clear(&mut self) {
        self.bits.put(self.dictionary.clear, self.dictionary.width);
        self.dictionary.reset();
        self.before = None;
        self.gain = Gain::default();
    }

    /// Puts the code of a match at pixel `at`, and says how long it is.
    fn step(&mut self, at: usize) -> usize {
        let longest = self.longest(at, self.carried);
        let mut chosen = longest;
        // The string that the decoder is about to learn is in the dictionary as soon as its code is read.
        let learned = self.about_to_be_learned(at, longest.length);
        if let Some(learned) = learned {
            chosen = learned;
        } else if self.style.looks_ahead && longest.length > 1 {
            chosen = self.best_pair(at, longest);
        }
        let string = match learned {
            Some(learned) => {
                let mut string = self.before.map(|before| self.dictionary.string(before)).unwrap_or_default();
                string.extend(string.first().copied());
                debug_assert_eq!(string.len(), learned.length);
                string
            }
            None => self.dictionary.string(chosen.code),
        };
        self.carried = self.pixels.carried_after(at, &string, self.carried);
        self.put(chosen.code, &string);
        chosen.length
    }

    fn put(&mut self, code: u16, string: &[u8]) {
        let width = self.dictionary.width;
        self.bits.put(code, width);
        if let (Some(before), Some(first)) = (self.before, string.first()) {
            self.dictionary.learn(before, *first);
        }
        self.before = Some(code);
        self.indexes.extend_from_slice(string);
        self.gain.pixels += string.len() as u64;
        self.gain.bits += u64::from(width);
        if !self.dictionary.is_full() {
            return;
        }
        self.was_full = true;
        match self.style.when_full {
            WhenFull::Weigh => self.weigh(),
            WhenFull::Keep => {}
            WhenFull::Clear => self.put_clear(),
        }
    }

    /// Leaves a full dictionary that does worse than it did while it was filled.
    fn weigh(&mut self) {
        let gain = self.gain.pixels as f64 / self.gain.bits as f64;
        match self.gain.filling {
            None => self.gain = Gain { filling: Some(gain), ..Gain::default() },
            Some(filling) if self.gain.bits >= WINDOW_BITS => {
                if gain < filling {
                    self.put_clear();
                } else {
                    self.gain = Gain { filling: Some(filling), ..Gain::default() };
                }
            }
            Some(_) => {}
        }
    }

    /// The longest match at a pixel; of equally long ones that which costs least, or was learned first.
    fn longest(&mut self, at: usize, carried: Tone) -> Match {
        let pixels = self.pixels;
        let first = &pixels.choices[usize::from(pixels.each[at])];
        let mut best = Match { code: 0, length: 0, cost: 0 };
        self.stack.clear();
        for index in first.members.iter().rev() {
            if let Some((cost, carried)) = pixels.cost(at, *index, carried) {
                self.stack.push((u16::from(*index), cost, carried));
            }
        }
        while let Some((code, cost, carried)) = self.stack.pop() {
            let node = self.dictionary.nodes[usize::from(code)];
            let length = usize::from(node.length);
            if length > best.length || length == best.length && cost < best.cost {
                best = Match { code, length, cost };
            }
            if at + length == pixels.each.len() {
                continue;
            }
            let mut child = node.first_child;
            while child != NONE {
                let Node { index, sibling, .. } = self.dictionary.nodes[usize::from(child)];
                if let Some((more, carried)) = pixels.cost(at + length, index, carried) {
                    self.stack.push((child, cost + more, carried));
                }
                child = sibling;
            }
        }
        if best.length == 0 {
            best = Match { code: pixels.nearest(at, carried).into(), length: 1, cost: 0 };
        }
        best
    }

    /// The last string and its first index again, if that is longer than `length` and pixels may be it.
    fn about_to_be_learned(&self, at: usize, length: usize) -> Option<Match> {
        let before = self.before.filter(|_| !self.dictionary.is_full())?;
        let learned = usize::from(self.dictionary.nodes[usize::from(before)].length) + 1;
        if learned <= length || at + learned > self.pixels.each.len() {
            return None;
        }
        let mut string = self.dictionary.string(before);
        string.extend(string.first().copied());
        let (mut cost, mut carried) = (0, self.carried);
        for (step, index) in string.iter().enumerate() {
            let (more, next) = self.pixels.cost(at + step, *index, carried)?;
            (cost, carried) = (cost + more, next);
        }
        Some(Match { code: self.dictionary.next, length: learned, cost })
    }

    /// The longest match or one that is little shorter, whichever is longest together with the next.
    fn best_pair(&mut self, at: usize, longest: Match) -> Match {
        let mut best = (longest, 0);
        let mut shorter = longest;
        for _ in 0..=SHORTER.min(longest.length - 1) {
            let after = at + shorter.length;
            let string = self.dictionary.string(shorter.code);
            let carried = self.pixels.carried_after(at, &string, self.carried);
            let next = if after < self.pixels.each.len() { self.longest(after, carried).length } else { 0 };
            if shorter.length + next > best.1 {
                best = (shorter, shorter.length + next);
            }
            let parent = self.dictionary.nodes[usize::from(shorter.code)].parent;
            shorter = Match { code: parent, length: shorter.length - 1, ..shorter };
        }
        best.0
    }

    fn finish(mut self, first_bits: u32) -> Coded {
        self.bits.put(self.dictionary.clear + 1, self.dictionary.width);
        let bytes = self.bits.finish();
        let mut data = Vec::with_capacity(bytes.len() + bytes.len() / 255 + 3);
        data.push(first_bits as u8);
        for block in bytes.chunks(255) {
            data.push(block.len() as u8);
            data.extend_from_slice(block);
        }
        data.push(0);
        Coded { data, indexes: self.indexes, was_full: self.was_full }
    }
}

#[derive(Debug, Clone, Copy)]
struct Node {
    parent: u16,
    first_child: u16,
    sibling: u16,
    /// Of its string.
    length: u16,
    /// The last of its string.
    index: u8,
}

/// Strings by their codes, each its parent's and an index more.
struct Dictionary {
    nodes: Vec<Node>,
    clear: u16,
    /// The next code to be learned.
    next: u16,
    /// Bits of a code.
    width: u32,
}

impl Dictionary {
    fn new(first_bits: u32) -> Self {
        let empty = Node { parent: NONE, first_child: NONE, sibling: NONE, length: 1, index: 0 };
        let mut nodes = vec![empty; MOST_CODES];
        let clear = 1 << first_bits;
        for (index, node) in nodes[..usize::from(clear)].iter_mut().enumerate() {
            node.index = index as u8;
        }
        Self { nodes, clear, next: clear + 2, width: first_bits + 1 }
    }

    fn reset(&mut self) {
        self.nodes[..usize::from(self.clear)].iter_mut().for_each(|node| node.first_child = NONE);
        self.next = self.clear + 2;
        self.width = self.clear.ilog2() + 1;
    }

    fn is_full(&self) -> bool {
        usize::from(self.next) == MOST_CODES
    }

    /// What the decoder learns, when it does. A string that it has already gets another code, which is never used.
    fn learn(&mut self, parent: u16, index: u8) {
        if self.is_full() {
            return;
        }
        let code = self.next;
        let Node { first_child, length, .. } = self.nodes[usize::from(parent)];
        let mut child = first_child;
        while child != NONE && self.nodes[usize::from(child)].index != index {
            child = self.nodes[usize::from(child)].sibling;
        }
        self.nodes[usize::from(code)] =
            Node { parent, first_child: NONE, sibling: first_child, length: length + 1, index };
        if child == NONE {
            self.nodes[usize::from(parent)].first_child = code;
        }
        self.next += 1;
        if u32::from(self.next) == 1 << self.width && self.width < MOST_BITS {
            self.width += 1;
        }
    }

    fn string(&self, code: u16) -> Vec<u8> {
        let mut string = Vec::new();
        let mut code = code;
        while code != NONE {
            let Node { parent, index, .. } = self.nodes[usize::from(code)];
            string.push(index);
            code = parent;
        }
        string.reverse();
        string
    }
}

/// Codes, the first in the lowest bits.
#[derive(Default)]
struct Bits {
    bytes: Vec<u8>,
    waiting: u32,
    count: u32,
}

impl Bits {
    fn put(&mut self, code: u16, width: u32) {
        self.waiting |= u32::from(code) << self.count;
        self.count += width;
        while self.count >= 8 {
            self.bytes.push(self.waiting as u8);
            self.waiting >>= 8;
            self.count -= 8;
        }
    }

    fn finish(mut self) -> Vec<u8> {
        if self.count > 0 {
            self.bytes.push(self.waiting as u8);
        }
        self.bytes
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    fn decoded(coded: &Coded, pixels: usize) -> Vec<u8> {
        let mut gif = b"GIF89a".to_vec();
        let width = u16::try_from(pixels).unwrap().to_le_bytes();
        gif.extend([width[0], width[1], 1, 0, 0xf7, 0, 0]);
        gif.extend([0; 768]);
        gif.extend([0x2c, 0, 0, 0, 0, width[0], width[1], 1, 0, 0]);
        gif.extend(&coded.data);
        gif.push(0x3b);
        let mut decoder = gif::DecodeOptions::new().read_info(gif.as_slice()).unwrap();
        decoder.read_next_frame().unwrap().unwrap().buffer.to_vec()
    }

    const PLAIN: Style = Style { looks_ahead: false, when_full: WhenFull::Weigh };

    fn style() -> impl Strategy<Value = Style> {
        let when_full = prop_oneof![Just(WhenFull::Weigh), Just(WhenFull::Keep), Just(WhenFull::Clear)];
        (any::<bool>(), when_full).prop_map(|(looks_ahead, when_full)| Style { looks_ahead, when_full })
    }

    fn plain() -> Vec<Choice> {
        (0..=255).map(|index| Choice::new([(index, 0)])).collect()
    }

    /// Lines of noise of few or many values, and runs.
    fn indexes() -> impl Strategy<Value = Vec<u16>> {
        let run = (0..4u16, 1..200usize, 1..60u16, any::<u64>());
        vec(run, 1..60).prop_map(|runs| {
            let mut all = Vec::new();
            for (kind, length, values, seed) in runs {
                let mut noise = crate::codec::testing::Noise(seed | 1);
                all.extend((0..length).map(|at| match kind {
                    0 => values,
                    1 => at as u16 % values,
                    2 => (noise.next() % u64::from(values)) as u16,
                    _ => (noise.next() % 256) as u16,
                }));
            }
            all
        })
    }

    proptest! {
        #[test]
        fn any_decoder_finds_the_pixels_again(each in indexes(), style in style()) {
            let coded = encode(Pixels { choices: &plain(), each: &each, tones: None }, style);
            let expected: Vec<u8> = each.iter().map(|index| *index as u8).collect();
            prop_assert_eq!(&coded.indexes, &expected);
            prop_assert_eq!(decoded(&coded, each.len()), expected);
        }

        #[test]
        fn every_pixel_is_what_it_may_be(each in indexes(), style in style()) {
            // Its own index, the one beside it, and for every third transparent too.
            let choices: Vec<_> = (0..=255u8)
                .map(|index| match index % 3 {
                    0 => Choice::new([(index, 0), (index ^ 1, 3), (7, 1)]),
                    _ => Choice::new([(index, 0), (index ^ 1, 3)]),
                })
                .collect();
            let coded = encode(Pixels { choices: &choices, each: &each, tones: None }, style);
            prop_assert_eq!(decoded(&coded, each.len()), coded.indexes.clone());
            for (choice, index) in each.iter().zip(coded.indexes) {
                prop_assert!(choices[usize::from(*choice)].members.contains(&index));
            }
        }
    }

    /// A dictionary that is filled many times over, by what it knows and by what it does not.
    #[test]
    fn a_full_dictionary_is_kept_or_left() {
        let mut noise = crate::codec::testing::Noise(5);
        let each: Vec<u16> = (0..60_000)
            .map(|at| if at / 20_000 == 1 { (at % 50) as u16 } else { (noise.next() % 200) as u16 })
            .collect();
        for when_full in [WhenFull::Weigh, WhenFull::Keep, WhenFull::Clear] {
            let coded = encode(
                Pixels { choices: &plain(), each: &each, tones: None },
                Style { looks_ahead: true, when_full },
            );
            assert!(coded.was_full);
            assert_eq!(
                decoded(&coded, each.len()),
                each.iter().map(|index| *index as u8).collect::<Vec<_>>()
            );
        }
    }

    #[test]
    fn freedom_makes_it_smaller() {
        let mut noise = crate::codec::testing::Noise(9);
        let each: Vec<u16> = (0..20_000).map(|_| (noise.next() % 16) as u16).collect();
        let near: Vec<_> = (0..16u8)
            .map(|index| Choice::new((0..16).filter(|other| other / 4 == index / 4).map(|other| (other, 1))))
            .collect();
        let strict = encode(Pixels { choices: &plain(), each: &each, tones: None }, PLAIN).data.len();
        let free = encode(Pixels { choices: &near, each: &each, tones: None }, PLAIN).data.len();
        assert!(free < strict * 2 / 3, "{free} {strict}");
    }
}
