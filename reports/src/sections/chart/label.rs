//! Labels at the ends of lines, kept apart.

/// `wanted` heights moved as little as it takes to be `apart` from each other and between `low` and `high`; in the order
/// in which they were given.
pub(super) fn spread(wanted: &[i32], apart: i32, low: i32, high: i32) -> Vec<i32> {
    let mut order: Vec<usize> = (0..wanted.len()).collect();
    order.sort_by_key(|&index| wanted[index]);
    let mut placed = vec![0; wanted.len()];
    let mut next = low;
    for &index in &order {
        placed[index] = wanted[index].max(next);
        next = placed[index] + apart;
    }
    // What was pushed out below goes up again, and pushes what is above it.
    let mut limit = high;
    for &index in order.iter().rev() {
        placed[index] = placed[index].min(limit);
        limit = placed[index] - apart;
    }
    placed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_that_collide_are_moved_apart_and_others_stay() {
        assert_eq!(spread(&[10, 100], 14, 0, 200), [10, 100]);
        assert_eq!(spread(&[50, 52, 51], 14, 0, 200), [50, 78, 64]);
        assert_eq!(spread(&[195, 196], 14, 0, 200), [186, 200]);
        assert!(spread(&[], 14, 0, 200).is_empty());
    }
}
