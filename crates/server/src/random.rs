//! Numbers that look random and are the same for the same seed, in the shapes that the workload is fitted with.

/// A generator of `SplitMix64` (<https://doi.org/10.1145/2660193.2660195>): small, fast, and its whole state is one
/// number. Not for secrets.
#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    /// A generator that gives the same numbers for the same seed.
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// A number of 64 bits.
    pub fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number in `[0, 1)`.
    pub fn unit(&mut self) -> f64 {
        (self.bits() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// A number in `0..count`; 0 when there are none.
    pub fn below(&mut self, count: usize) -> usize {
        (self.unit() * count as f64) as usize
    }

    /// Whether something of that probability happens.
    pub fn happens(&mut self, probability: f64) -> bool {
        self.unit() < probability
    }

    /// One of several.
    pub fn one_of<T: Copy>(&mut self, several: &[T]) -> T {
        several[self.below(several.len())]
    }

    /// The place of one weight, chosen in proportion to the weights.
    pub fn weighted(&mut self, weights: &[f64]) -> usize {
        let mut left = self.unit() * weights.iter().sum::<f64>();
        for (place, weight) in weights.iter().enumerate() {
            left -= weight;
            if left < 0.0 {
                return place;
            }
        }
        weights.len().saturating_sub(1)
    }

    /// A number whose logarithm is normal with that mean and deviation.
    pub fn lognormal(&mut self, mu: f64, sigma: f64) -> f64 {
        // Box and Muller; the smallest number keeps the logarithm finite.
        let (one, two) = (self.unit().max(f64::MIN_POSITIVE), self.unit());
        let normal = (-2.0 * one.ln()).sqrt() * (std::f64::consts::TAU * two).cos();
        (mu + sigma * normal).exp()
    }

    /// How many tries until the first success, of probability `p` each: 1, 2, 3 and so on, `1 / p` on average.
    pub fn geometric(&mut self, p: f64) -> usize {
        1 + ((1.0 - self.unit()).ln() / (1.0 - p).ln()).floor() as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mean(count: u32, mut draw: impl FnMut() -> f64) -> f64 {
        (0..count).map(|_| draw()).sum::<f64>() / f64::from(count)
    }

    #[test]
    fn the_shapes_have_the_means_they_are_known_for() {
        let mut random = Random::new(7);
        assert!((mean(100_000, || random.unit()) - 0.5).abs() < 0.01);
        assert!((mean(100_000, || random.geometric(0.385) as f64) - 2.597).abs() < 0.05);
        let expected = (1.099_f64 + 1.081_f64.powi(2) / 2.0).exp();
        assert!((mean(200_000, || random.lognormal(1.099, 1.081)) - expected).abs() < 0.15);
        assert!((mean(100_000, || random.weighted(&[1.0, 3.0]) as f64) - 0.75).abs() < 0.01);
    }

    #[test]
    fn the_same_seed_gives_the_same_numbers() {
        let (mut one, mut two) = (Random::new(1), Random::new(1));
        assert!((0..100).all(|_| one.bits() == two.bits()));
        assert_ne!(Random::new(1).bits(), Random::new(2).bits());
    }
}
