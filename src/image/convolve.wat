;; The two passes of a resize with 128-bit vectors: what convolve.ts says in TypeScript, on the memory of this module.
;; Sums wrap at 32 bits, as there. All addresses and lengths are bytes, but `rows`, `width`, `height`, `stride` and `count`.
;; `npm run wasm` assembles it.
(module
  (memory (export "memory") 1)

  ;; A pixel's sums, shifted, clamped to bytes and stored.
  (func $store (param $at i32) (param $high v128) (param $low v128) (param $precision i32)
    (local $sums v128) (local $bytes v128)
    (local.set $sums (i32x4.add (i32x4.shl (local.get $high) (i32.const 12)) (local.get $low)))
    (local.set $sums (i32x4.shr_s (local.get $sums) (local.get $precision)))
    (local.set $sums (i16x8.narrow_i32x4_s (local.get $sums) (local.get $sums)))
    (local.set $bytes (i8x16.narrow_i16x8_u (local.get $sums) (local.get $sums)))
    (v128.store16_lane 0 (local.get $at) (local.get $bytes))
    (v128.store8_lane offset=2 2 (local.get $at) (local.get $bytes)))

  ;; Two pixels are multiplied and added at once in 16 bits, by a weight's twelve low bits and by those above: `weights` has
  ;; both for each pair of pixels, high halves first. Four rows go together, so that weights are read once for all of them; the
  ;; last rows go together with themselves. `count` and `stride` count pairs.
  (func (export "rows")
    (param $source i32) (param $sourceRow i32) (param $rows i32)
    (param $start i32) (param $count i32) (param $weights i32) (param $stride i32) (param $width i32)
    (param $precision i32) (param $target i32)
    (local $row i32) (local $x i32) (local $at i32) (local $end i32) (local $to i32) (local $half v128) (local $high v128)
    (local $targetRow i32) (local $p0 i32) (local $p1 i32) (local $p2 i32) (local $p3 i32)
    (local $from i32) (local $r1 i32) (local $r2 i32) (local $r3 i32) (local $s1 i32) (local $s2 i32) (local $s3 i32)
    (local $low v128) (local $two v128) (local $byColour v128)
    (local $h0 v128) (local $h1 v128) (local $h2 v128) (local $h3 v128)
    (local $l0 v128) (local $l1 v128) (local $l2 v128) (local $l3 v128)
    ;; two pixels of three bytes become 16 bits each, paired by colour: r r g g b b 0 0
    (local.set $byColour (v128.const i8x16 0 -1 3 -1 1 -1 4 -1 2 -1 5 -1 -1 -1 -1 -1))
    (local.set $half (i32x4.splat (i32.shl (i32.const 1) (i32.sub (local.get $precision) (i32.const 1)))))
    (local.set $targetRow (i32.mul (local.get $width) (i32.const 3)))
    (local.set $stride (i32.shl (local.get $stride) (i32.const 3)))
    (loop $eachRow
      ;; the rows below this one, as far as there are any
      (local.set $r1 (i32.lt_s (i32.add (local.get $row) (i32.const 1)) (local.get $rows)))
      (local.set $r2 (i32.add (local.get $r1) (i32.lt_s (i32.add (local.get $row) (i32.const 2)) (local.get $rows))))
      (local.set $r3 (i32.add (local.get $r2) (i32.lt_s (i32.add (local.get $row) (i32.const 3)) (local.get $rows))))
      ;; and how far they are
      (local.set $s1 (i32.mul (local.get $r1) (local.get $sourceRow)))
      (local.set $r1 (i32.mul (local.get $r1) (local.get $targetRow)))
      (local.set $s2 (i32.mul (local.get $r2) (local.get $sourceRow)))
      (local.set $r2 (i32.mul (local.get $r2) (local.get $targetRow)))
      (local.set $s3 (i32.mul (local.get $r3) (local.get $sourceRow)))
      (local.set $r3 (i32.mul (local.get $r3) (local.get $targetRow)))
      (local.set $from (i32.add (local.get $source) (i32.mul (local.get $row) (local.get $sourceRow))))
      (local.set $to (i32.add (local.get $target) (i32.mul (local.get $row) (local.get $targetRow))))
      (local.set $x (i32.const 0))
      (loop $eachPixel
        (local.set $p0
          (i32.add
            (local.get $from)
            (i32.mul (i32.load (i32.add (local.get $start) (i32.shl (local.get $x) (i32.const 2)))) (i32.const 3))))
        (local.set $p1 (i32.add (local.get $p0) (local.get $s1)))
        (local.set $p2 (i32.add (local.get $p0) (local.get $s2)))
        (local.set $p3 (i32.add (local.get $p0) (local.get $s3)))
        (local.set $at (i32.add (local.get $weights) (i32.mul (local.get $x) (local.get $stride))))
        (local.set $end
          (i32.add
            (local.get $at)
            (i32.shl (i32.load (i32.add (local.get $count) (i32.shl (local.get $x) (i32.const 2)))) (i32.const 3))))
        (local.set $h0 (v128.const i32x4 0 0 0 0))
        (local.set $l0 (local.get $half))
        (local.set $h1 (v128.const i32x4 0 0 0 0))
        (local.set $l1 (local.get $half))
        (local.set $h2 (v128.const i32x4 0 0 0 0))
        (local.set $l2 (local.get $half))
        (local.set $h3 (v128.const i32x4 0 0 0 0))
        (local.set $l3 (local.get $half))
        (block $summed
          (loop $eachPair
            (br_if $summed (i32.ge_u (local.get $at) (local.get $end)))
            (local.set $high (v128.load32_splat (local.get $at)))
            (local.set $low (v128.load32_splat offset=4 (local.get $at)))
            (local.set $two (i8x16.swizzle (v128.load64_zero (local.get $p0)) (local.get $byColour)))
            (local.set $h0 (i32x4.add (local.get $h0) (i32x4.dot_i16x8_s (local.get $high) (local.get $two))))
            (local.set $l0 (i32x4.add (local.get $l0) (i32x4.dot_i16x8_s (local.get $low) (local.get $two))))
            (local.set $p0 (i32.add (local.get $p0) (i32.const 6)))
            (local.set $two (i8x16.swizzle (v128.load64_zero (local.get $p1)) (local.get $byColour)))
            (local.set $h1 (i32x4.add (local.get $h1) (i32x4.dot_i16x8_s (local.get $high) (local.get $two))))
            (local.set $l1 (i32x4.add (local.get $l1) (i32x4.dot_i16x8_s (local.get $low) (local.get $two))))
            (local.set $p1 (i32.add (local.get $p1) (i32.const 6)))
            (local.set $two (i8x16.swizzle (v128.load64_zero (local.get $p2)) (local.get $byColour)))
            (local.set $h2 (i32x4.add (local.get $h2) (i32x4.dot_i16x8_s (local.get $high) (local.get $two))))
            (local.set $l2 (i32x4.add (local.get $l2) (i32x4.dot_i16x8_s (local.get $low) (local.get $two))))
            (local.set $p2 (i32.add (local.get $p2) (i32.const 6)))
            (local.set $two (i8x16.swizzle (v128.load64_zero (local.get $p3)) (local.get $byColour)))
            (local.set $h3 (i32x4.add (local.get $h3) (i32x4.dot_i16x8_s (local.get $high) (local.get $two))))
            (local.set $l3 (i32x4.add (local.get $l3) (i32x4.dot_i16x8_s (local.get $low) (local.get $two))))
            (local.set $p3 (i32.add (local.get $p3) (i32.const 6)))
            (local.set $at (i32.add (local.get $at) (i32.const 8)))
            (br $eachPair)))
        (call $store (local.get $to) (local.get $h0) (local.get $l0) (local.get $precision))
        (call $store
          (i32.add (local.get $to) (local.get $r1))
          (local.get $h1) (local.get $l1) (local.get $precision))
        (call $store
          (i32.add (local.get $to) (local.get $r2))
          (local.get $h2) (local.get $l2) (local.get $precision))
        (call $store
          (i32.add (local.get $to) (local.get $r3))
          (local.get $h3) (local.get $l3) (local.get $precision))
        (local.set $to (i32.add (local.get $to) (i32.const 3)))
        (br_if $eachPixel
          (i32.lt_s (local.tee $x (i32.add (local.get $x) (i32.const 1))) (local.get $width))))
      (br_if $eachRow
        (i32.lt_s (local.tee $row (i32.add (local.get $row) (i32.const 4))) (local.get $rows)))))

  ;; Sixteen bytes of a row at a time; the last sixteen may overlap those before. A row has at least sixteen.
  (func (export "columns")
    (param $source i32) (param $row i32) (param $firstRow i32)
    (param $start i32) (param $count i32) (param $weights i32) (param $stride i32) (param $height i32)
    (param $precision i32) (param $target i32)
    (local $y i32) (local $i i32) (local $from i32) (local $at i32) (local $first i32) (local $end i32) (local $sample i32)
    (local $half v128) (local $weight v128) (local $bytes v128) (local $low v128) (local $high v128)
    (local $s0 v128) (local $s1 v128) (local $s2 v128) (local $s3 v128)
    (local.set $half (i32x4.splat (i32.shl (i32.const 1) (i32.sub (local.get $precision) (i32.const 1)))))
    (local.set $stride (i32.shl (local.get $stride) (i32.const 2)))
    (loop $eachRow
      (local.set $from
        (i32.add
          (local.get $source)
          (i32.mul
            (i32.sub (i32.load (i32.add (local.get $start) (i32.shl (local.get $y) (i32.const 2)))) (local.get $firstRow))
            (local.get $row))))
      (local.set $first (i32.add (local.get $weights) (i32.mul (local.get $y) (local.get $stride))))
      (local.set $end
        (i32.add
          (local.get $first)
          (i32.shl (i32.load (i32.add (local.get $count) (i32.shl (local.get $y) (i32.const 2)))) (i32.const 2))))
      (local.set $i (i32.const 0))
      (loop $eachPart
        (local.set $s0 (local.get $half))
        (local.set $s1 (local.get $half))
        (local.set $s2 (local.get $half))
        (local.set $s3 (local.get $half))
        (local.set $at (local.get $first))
        (local.set $sample (i32.add (local.get $from) (local.get $i)))
        (block $summed
          (loop $eachWeight
            (br_if $summed (i32.ge_u (local.get $at) (local.get $end)))
            (local.set $weight (v128.load32_splat (local.get $at)))
            (local.set $bytes (v128.load (local.get $sample)))
            (local.set $low (i16x8.extend_low_i8x16_u (local.get $bytes)))
            (local.set $high (i16x8.extend_high_i8x16_u (local.get $bytes)))
            (local.set $s0
              (i32x4.add (local.get $s0) (i32x4.mul (local.get $weight) (i32x4.extend_low_i16x8_u (local.get $low)))))
            (local.set $s1
              (i32x4.add (local.get $s1) (i32x4.mul (local.get $weight) (i32x4.extend_high_i16x8_u (local.get $low)))))
            (local.set $s2
              (i32x4.add (local.get $s2) (i32x4.mul (local.get $weight) (i32x4.extend_low_i16x8_u (local.get $high)))))
            (local.set $s3
              (i32x4.add (local.get $s3) (i32x4.mul (local.get $weight) (i32x4.extend_high_i16x8_u (local.get $high)))))
            (local.set $at (i32.add (local.get $at) (i32.const 4)))
            (local.set $sample (i32.add (local.get $sample) (local.get $row)))
            (br $eachWeight)))
        (v128.store
          (i32.add (i32.add (local.get $target) (i32.mul (local.get $y) (local.get $row))) (local.get $i))
          (i8x16.narrow_i16x8_u
            (i16x8.narrow_i32x4_s
              (i32x4.shr_s (local.get $s0) (local.get $precision)) (i32x4.shr_s (local.get $s1) (local.get $precision)))
            (i16x8.narrow_i32x4_s
              (i32x4.shr_s (local.get $s2) (local.get $precision)) (i32x4.shr_s (local.get $s3) (local.get $precision)))))
        (local.set $i (i32.add (local.get $i) (i32.const 16)))
        (br_if $eachPart (i32.le_s (local.get $i) (i32.sub (local.get $row) (i32.const 16))))
        (if (i32.lt_s (local.get $i) (local.get $row))
          (then
            (local.set $i (i32.sub (local.get $row) (i32.const 16)))
            (br $eachPart))))
      (br_if $eachRow
        (i32.lt_s (local.tee $y (i32.add (local.get $y) (i32.const 1))) (local.get $height))))))
