use super::*;

/// All instructions of this machine; every number of rows of a tile, and one more; columns and
/// reductions around whole panels and groups; extremes.
#[test]
fn products_are_those_of_a_plain_loop() {
    let pick = |index: usize| [-128i8, 127, -1, 0, 1, 99, -57][index % 7];
    for rows in 1..=25 {
        for (columns, k) in [(1, 1), (31, 5), (33, 64), (129, 7), (160, 130), (64, 3)] {
            let input: Vec<i8> = (0..rows * k).map(|i| pick(i * i / 3 + i)).collect();
            let weights: Vec<i8> = (0..columns * k).map(|i| pick(i * 5 + i / 11)).collect();
            let right = |row: usize, column: usize| -> i32 {
                let row = &input[row * k..(row + 1) * k];
                let column = &weights[column * k..(column + 1) * k];
                let pairs = row.iter().zip(column);
                pairs.map(|(x, w)| i32::from(*x) * i32::from(*w)).sum()
            };
            for instructions in Instructions::of_this_machine() {
                let panels = Panels::pack(instructions, k, &weights);
                let mut sums = vec![None; rows * columns];
                let input = bytemuck::cast_slice(&input);
                panels.multiply(input, &mut Vec::new(), &mut |part| {
                    for (row, some) in (part.row..).zip(part.sums) {
                        for (column, sum) in (part.column..).zip(&some.0[..part.width]) {
                            let before = sums[row * columns + column].replace(*sum);
                            assert_eq!(before, None, "made twice");
                        }
                    }
                });
                for (index, sum) in sums.into_iter().enumerate() {
                    let (row, column) = (index / columns, index % columns);
                    let right = Some(right(row, column));
                    assert_eq!(
                        sum, right,
                        "{instructions:?}: {row}, {column} of {rows} rows, {columns} x {k}"
                    );
                }
            }
        }
    }
}

/// All instructions of this machine; columns around those that are made together, reductions
/// around whole vectors; extremes.
#[test]
fn a_row_with_weights_as_they_are_is_that_of_a_plain_loop() {
    let pick = |index: usize| [-128i8, 127, -128, -1, 0, 1, 99][index % 7];
    for k in [1, 15, 16, 17, 31, 32, 33, 63, 64, 65, 200, 1_024] {
        for columns in [1, 3, 4, 5, 33] {
            let input: Vec<i8> = (0..k).map(|i| pick(i * i / 3 + i)).collect();
            let weights: Vec<i8> = (0..columns * k).map(|i| pick(i * 5 + i / 11)).collect();
            let right = weights.chunks_exact(k).map(|column| -> i32 {
                let pairs = input.iter().zip(column);
                pairs.map(|(x, w)| i32::from(*x) * i32::from(*w)).sum()
            });
            let right: Vec<i32> = right.collect();
            for instructions in Instructions::of_this_machine() {
                let mut sums = vec![7; columns];
                instructions.multiply_row(bytemuck::cast_slice(&input), &weights, &mut sums);
                assert_eq!(sums, right, "{instructions:?}: {columns} x {k}");
            }
        }
    }
}
