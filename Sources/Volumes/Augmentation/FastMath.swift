/// Elementary functions made of additions, multiplications and bit operations alone: loops over them are
/// vectorised, and their results are the same on every processor and with every C library.

/// Base-2 logarithm of a positive normal number; relative error below 3e-7 away from 1, and of the result near 1.
///
/// Source: x = 2^e · m with m in [√½, √2); log2 m by the series of 2 artanh((m − 1)/(m + 1)) to the ninth power.
@inline(__always)
func fastLog2(_ x: Float) -> Float {
  let bits = Int32(bitPattern: x.bitPattern)
  let exponent = (bits &- 0x3f35_04f3) &>> 23
  let m = Float(bitPattern: UInt32(bitPattern: bits &- (exponent &<< 23)))
  let s = (m - 1) / (m + 1)
  let z = s * s
  let series =
    2.885_390_1 + z * (0.961_796_7 + z * (0.577_078_04 + z * (0.412_198_6 + z * 0.320_598_9)))
  return Float(exponent) + s * series
}

/// 2^y for y up to 127; what is below 2^−126 becomes 2^−126. Relative error below 3e-7.
@inline(__always)
func fastExp2(_ y: Float) -> Float {
  let y = y > -126 ? y : -126
  // Adding 1.5 · 2^23 rounds to a whole number, which then stands in the low bits.
  let rounder: Float = 12_582_912
  let rounded = y + rounder
  let f = y - (rounded - rounder)
  let exponent = Int32(bitPattern: rounded.bitPattern) &- Int32(bitPattern: rounder.bitPattern)
  // exp(f ln 2), |f| ≤ ½, to the sixth power.
  let cubic = 0.055_504_11 + f * (0.009_618_129 + f * (0.001_333_355_8 + f * 0.000_154_035_3))
  let power = 1 + f * (0.693_147_2 + f * (0.240_226_5 + f * cubic))
  return power * Float(bitPattern: UInt32(bitPattern: (exponent &+ 127) &<< 23))
}

/// x^exponent for x in 0 … 1 and an exponent of 0.01 … 100: relative error below 1e-5 where the result is
/// above 1e-37, and 0 for x = 0.
@inline(__always)
func fastPower(_ x: Float, _ exponent: Float) -> Float {
  let power = fastExp2(exponent * fastLog2(x > 1e-37 ? x : 1e-37))
  return x > 0 ? power : 0
}

/// √x of a positive normal number, relative error below 3e-7: x times the inverse root, by three steps of Newton.
@inline(__always)
func fastSquareRoot(_ x: Float) -> Float {
  var inverse = Float(bitPattern: 0x5f37_59df &- (x.bitPattern &>> 1))
  let half = 0.5 * x
  inverse *= 1.5 - half * inverse * inverse
  inverse *= 1.5 - half * inverse * inverse
  inverse *= 1.5 - half * inverse * inverse
  return x * inverse
}

/// Two independent standard normals from two random words (Box–Muller): radius times cosine and sine.
@inline(__always)
func gaussianPair(_ radiusWord: UInt32, _ angleWord: UInt32) -> (Float, Float) {
  // 24 bits keep the fraction exact in Float; the half step keeps it off zero.
  let fraction = (Float(Int32(bitPattern: radiusWord &>> 8)) + 0.5) * 0x1p-24
  let radius = fastSquareRoot(-1.386_294_4 * fastLog2(fraction))
  let quarterTurns = (Float(Int32(bitPattern: angleWord &>> 8)) + 0.5) * 0x1p-22
  let rounder: Float = 12_582_912
  let rounded = quarterTurns + rounder
  let quadrant = rounded.bitPattern
  // Within ±π/4 of a whole number of quarter turns.
  let a = (quarterTurns - (rounded - rounder)) * 1.570_796_3
  let z = a * a
  let sine = a * (1 + z * (-0.166_666_67 + z * (0.008_333_331 + z * -0.000_198_393_34)))
  let cosine = 1 + z * (-0.5 + z * (0.041_666_666 + z * (-0.001_388_888_9 + z * 0.000_024_801_6)))
  let isOdd = quadrant & 1 != 0
  let first = isOdd ? sine : cosine
  let second = isOdd ? cosine : sine
  return (
    radius * Float(bitPattern: first.bitPattern ^ (((quadrant &+ 1) & 2) &<< 30)),
    radius * Float(bitPattern: second.bitPattern ^ ((quadrant & 2) &<< 30))
  )
}
