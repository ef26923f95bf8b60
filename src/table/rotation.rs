//! Weighted round robin as a precomputed rotation.
//!
//! The order is that of Traefik's earliest-deadline-first balancer (each pick moves a server's
//! deadline by 1/weight), written out once per table for one whole round. A worker then needs one
//! shared counter and one array access, and equal weights alternate exactly.

use crate::limits::SCHEDULE_STEPS;

/// One round: each index appears `weight / gcd` times, spread evenly; weight 0 never appears.
///
/// Rounds longer than [`SCHEDULE_STEPS`] are scaled down; every positive weight keeps at least
/// one step, unless there are more servers than steps, in which case each gets exactly one.
pub fn round(weights: &[u32]) -> Vec<u32> {
    let divisor = weights.iter().fold(0, |a, &b| gcd(a, u64::from(b)));
    if divisor == 0 {
        return Vec::new();
    }
    let mut steps: Vec<u64> = weights.iter().map(|&w| u64::from(w) / divisor).collect();
    let total: u64 = steps.iter().sum();
    if total > SCHEDULE_STEPS as u64 {
        for n in &mut steps {
            // Rounded up, so that no positive weight vanishes.
            *n = (*n * SCHEDULE_STEPS as u64).div_ceil(total).min(*n);
        }
    }
    // With equal weights this is 0, 1, 2, …: the common case costs no sort.
    if steps.iter().all(|&n| n <= 1) {
        return (0..).zip(&steps).filter(|&(_, &n)| n == 1).map(|(i, _)| i).collect();
    }
    let mut deadlines: Vec<(u64, u64, u32)> = Vec::new();
    for (index, &n) in (0_u32..).zip(&steps) {
        // The k-th pick of a server with n steps falls due at k/n of the round: as a fixed-point
        // number, so that the sort below is exact on every machine.
        deadlines.extend((1..=n).map(|k| ((k << 32) / n, u64::MAX - n, index)));
    }
    deadlines.sort_unstable();
    deadlines.into_iter().map(|(_, _, index)| index).collect()
}

fn gcd(a: u64, b: u64) -> u64 {
    if b == 0 { a } else { gcd(b, a % b) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_weights_alternate_in_order() {
        assert_eq!(round(&[1, 1, 1]), [0, 1, 2]);
        assert_eq!(round(&[7, 7]), [0, 1]);
    }

    #[test]
    fn weights_are_spread_and_zero_is_left_out() {
        assert_eq!(round(&[3, 0, 1]), [0, 0, 0, 2]);
        assert_eq!(round(&[2, 1, 1]), [0, 0, 1, 2]);
        assert_eq!(round(&[0, 0]), [] as [u32; 0]);
        assert_eq!(round(&[]), [] as [u32; 0]);
        let long = round(&[5, 1]);
        assert_eq!(long.iter().filter(|&&i| i == 0).count(), 5);
    }

    #[test]
    fn a_round_stays_bounded_and_keeps_everybody() {
        let long = round(&[1, 1_000_000, 999_983]);
        assert!(long.len() <= SCHEDULE_STEPS + 3);
        for index in 0..3 {
            assert!(long.contains(&index));
        }
        assert_eq!(round(&vec![1; 10_000]).len(), 10_000);
    }
}
