import RealModule

/// The shapes and densities of one phantom patient, in a frame where the field of view is −1 … 1 on each
/// axis: +x right, +y anterior, +z superior. All of it follows from the seed.
struct PhantomAnatomy {
  /// A vertical tube with a wavy centre line.
  struct Tube {
    var centre: SIMD2<Double>
    var radius: Double
    var sway: SIMD2<Double>
    var phase: Double
    var hounsfield: Double

    /// Squared distance from the centre line over squared radius.
    @inline(__always)
    func level(_ p: SIMD3<Double>, bend: Double) -> Double {
      let dx = p.x - centre.x - sway.x * bend
      let dy = p.y - centre.y - sway.y * bend
      return (dx * dx + dy * dy) / (radius * radius)
    }
  }

  /// A loop of bowel: wall, content, and gas above the level at which it lies.
  struct Loop {
    var shape: StarShape
    var hounsfield: Double
    var gasAbove: Double
  }

  let bodyRadii: SIMD2<Double>
  let wallRadii: SIMD2<Double>
  let cavityRadii: SIMD2<Double>
  let bodyWave: SIMD2<Double>
  let liver: StarShape
  let leftLobe: StarShape
  let tumour: StarShape
  let kidneys: [StarShape]
  let hila: [StarShape]
  let spleen: StarShape
  let stomach: Loop
  let bowel: [Loop]
  let psoas: [StarShape]
  let vessels: [Tube]
  let hepaticVessels: [Tube]
  let spineCentre: SIMD2<Double>
  let spineRadius: Double
  let spinePhase: Double
  let ribPhase: Double

  let fatHU: Double
  let muscleHU: Double
  let liverHU: Double
  let tumourHU: Double
  let kidneyHU: Double
  let spleenHU: Double
  let boneHU: Double
  let noiseHU: Double

  init(seed: UInt64) {
    var r = SampleRandom(seed: seed, stream: .phantomAnatomy, sample: 0)
    let girth = r.uniform(0.94, 1.04)
    bodyRadii = SIMD2(0.90, 0.80) * girth
    let fat = r.uniform(0.07, 0.13)
    wallRadii = bodyRadii - fat
    cavityRadii = wallRadii - r.uniform(0.07, 0.09)
    bodyWave = SIMD2(r.uniform(-0.02, 0.02), r.uniform(-0.02, 0.02))
    let shift = SIMD3(r.uniform(-0.03, 0.03), r.uniform(-0.03, 0.03), r.uniform(-0.07, 0.07))

    liver = StarShape(
      centre: SIMD3(0.36, 0.06, 0.32) + shift, radii: SIMD3(0.31, 0.40, 0.48) * r.uniform(0.92, 1.06),
      roughness: 0.06, turnInRadians: r.uniform(-0.2, 0.2), random: &r)
    leftLobe = StarShape(
      centre: SIMD3(0.06, 0.30, 0.46) + shift, radii: SIMD3(0.30, 0.16, 0.22) * r.uniform(0.9, 1.1),
      roughness: 0.05, turnInRadians: r.uniform(-0.2, 0.2), random: &r)
    let place = SIMD3(r.uniform(-0.28, 0.28), r.uniform(-0.28, 0.28), r.uniform(-0.35, 0.35))
    tumour = StarShape(
      centre: liver.centre + liver.radii * place,
      radii: SIMD3(
        r.uniform(0.14, 0.19), r.uniform(0.14, 0.19), r.uniform(0.17, 0.23)),
      roughness: 0.07, turnInRadians: r.uniform(0, 3), random: &r)

    let spine = SIMD2(r.uniform(-0.02, 0.02), -0.36 * girth)
    spineCentre = spine
    spineRadius = r.uniform(0.135, 0.155)
    spinePhase = r.uniform(0, 6.28)
    ribPhase = r.uniform(0, 6.28)

    var kidneys: [StarShape] = []
    var hila: [StarShape] = []
    var psoas: [StarShape] = []
    for side in [1.0, -1.0] {
      let centre = SIMD3(
        side * r.uniform(0.38, 0.43), -0.30 + r.uniform(-0.03, 0.03),
        (side > 0 ? -0.36 : -0.24) + r.uniform(-0.06, 0.06))
      let radii = SIMD3(0.15, 0.17, 0.34) * r.uniform(0.92, 1.08)
      let turn = side * r.uniform(0.1, 0.4)
      kidneys.append(
        StarShape(centre: centre, radii: radii, roughness: 0.05, turnInRadians: turn, random: &r))
      hila.append(
        StarShape(
          centre: centre + SIMD3(-side * 0.11, 0.03, 0), radii: SIMD3(0.07, 0.06, 0.11), random: &r))
      psoas.append(
        StarShape(
          centre: SIMD3(spine.x + side * 0.21, spine.y - 0.02, -0.5), radii: SIMD3(0.075, 0.10, 0.9),
          roughness: 0.04, random: &r))
      psoas.append(
        StarShape(
          centre: SIMD3(spine.x + side * 0.17, spine.y - 0.21, 0), radii: SIMD3(0.13, 0.09, 3),
          roughness: 0.03, random: &r))
    }
    self.kidneys = kidneys
    self.hila = hila
    self.psoas = psoas

    spleen = StarShape(
      centre: SIMD3(-0.50, -0.14, 0.34) + shift, radii: SIMD3(0.15, 0.23, 0.36) * r.uniform(0.9, 1.1),
      roughness: 0.07, turnInRadians: r.uniform(-0.3, 0.3), random: &r)

    liverHU = r.uniform(100, 112)
    tumourHU = liverHU - r.uniform(50, 58)
    muscleHU = tumourHU + r.uniform(-4, 12)
    spleenHU = liverHU + r.uniform(-6, 6)
    kidneyHU = r.uniform(165, 190)
    boneHU = r.uniform(230, 270)
    fatHU = r.uniform(-108, -92)
    noiseHU = r.uniform(15, 19)

    // Content as bright as the liver, the kidneys or the bone: no window tells an organ from the bowel.
    let contents = [liverHU, kidneyHU, boneHU, tumourHU, 25]
    let vesselHU = kidneyHU
    stomach = Loop(
      shape: StarShape(
        centre: SIMD3(-0.34, 0.32, 0.36) + shift, radii: SIMD3(0.21, 0.17, 0.30), roughness: 0.08,
        turnInRadians: r.uniform(-0.3, 0.3), random: &r),
      hounsfield: liverHU + r.uniform(-10, 10), gasAbove: r.uniform(0.36, 0.46))
    bowel = (0..<12).map { number in
      let angle = Double(number) * 2.4 + r.uniform(-0.2, 0.2)
      let distance = number % 3 == 0 ? r.uniform(0.05, 0.2) : r.uniform(0.3, 0.5)
      let centre = SIMD3(
        distance * .cos(angle) * 1.05, 0.20 + 0.42 * distance * .sin(angle),
        -0.80 + 0.065 * Double(number) + r.uniform(-0.1, 0.1))
      let radius = r.uniform(0.10, 0.155)
      return Loop(
        shape: StarShape(
          centre: centre, radii: SIMD3(radius, radius, radius * r.uniform(1, 1.6)), roughness: 0.1,
          random: &r),
        hounsfield: contents[number % contents.count] + r.uniform(-8, 8),
        gasAbove: number % 2 == 0 ? centre.y + r.uniform(-0.02, 0.08) : 2)
    }
    vessels = [
      Tube(
        centre: spine + SIMD2(-0.08, 0.24), radius: r.uniform(0.055, 0.07),
        sway: SIMD2(r.uniform(-0.03, 0.03), 0.01), phase: r.uniform(0, 6.28),
        hounsfield: kidneyHU + r.uniform(-8, 12)),
      Tube(
        centre: spine + SIMD2(0.10, 0.23), radius: r.uniform(0.06, 0.075),
        sway: SIMD2(r.uniform(-0.02, 0.02), 0.01), phase: r.uniform(0, 6.28),
        hounsfield: kidneyHU + r.uniform(-20, 0)),
    ]
    let liverCentre = SIMD2(liver.centre.x, liver.centre.y)
    hepaticVessels = (0..<3).map { _ in
      Tube(
        centre: liverCentre + SIMD2(r.uniform(-0.18, 0.18), r.uniform(-0.2, 0.2)), radius: 0.022,
        sway: SIMD2(r.uniform(-0.08, 0.08), r.uniform(-0.08, 0.08)), phase: r.uniform(0, 6.28),
        hounsfield: vesselHU - 15)
    }
  }
}
