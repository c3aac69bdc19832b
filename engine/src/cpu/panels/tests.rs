use super::*;

/// Every number of rows of a tile, and one more; columns and reductions around whole panels
/// and groups; extremes.
#[test]
fn products_are_those_of_a_plain_loop() {
    if !are_supported() {
        return;
    }
    let pick = |index: usize| [-128i8, 127, -1, 0, 1, 99, -57][index % 7];
    for rows in 1..=25 {
        for (columns, k) in [(1, 1), (31, 5), (33, 64), (129, 7), (160, 130), (64, 3)] {
            let input: Vec<i8> = (0..rows * k).map(|i| pick(i * i / 3 + i)).collect();
            let weights: Vec<i8> = (0..columns * k).map(|i| pick(i * 5 + i / 11)).collect();
            let panels = Panels::pack(k, &weights);
            let mut sums = vec![7; rows * columns];
            panels.multiply(bytemuck::cast_slice(&input), &mut sums);
            for (index, sum) in sums.iter().enumerate() {
                let (row, column) = (index / columns, index % columns);
                let row = &input[row * k..(row + 1) * k];
                let column = &weights[column * k..(column + 1) * k];
                let pairs = row.iter().zip(column);
                let right: i32 = pairs.map(|(x, w)| i32::from(*x) * i32::from(*w)).sum();
                assert_eq!(*sum, right, "element {index}: {rows} rows, {columns} x {k}");
            }
        }
    }
}
