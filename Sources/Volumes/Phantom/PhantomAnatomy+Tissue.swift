import RealModule

/// The label ids of the phantom.
enum PhantomLabel {
  static let background: Int32 = 0
  static let liver: Int32 = 1
  static let tumour: Int32 = 2
  static let kidneys: Int32 = 3
  static let spine: Int32 = 4
}

/// What lies at one point of the phantom.
struct PhantomTissue {
  var hounsfield: Double
  var label: Int32 = PhantomLabel.background
}

/// The shapes that can reach one axial row of voxels, so that a voxel asks only those.
struct PhantomRow {
  var bowel: [Int] = []
  var kidneys: [Int] = []
  var muscles: [Int] = []
  var meetsLiver = false
  var meetsSpleen = false
  var meetsStomach = false

  init(_ anatomy: PhantomAnatomy, from start: SIMD3<Double>, to end: SIMD3<Double>) {
    let low = pointwiseMin(start, end)
    let high = pointwiseMax(start, end)
    func meets(_ shape: StarShape, _ level: Double) -> Bool {
      let reach = shape.reach(level)
      let below = (low .> shape.centre + reach)
      let above = (high .< shape.centre - reach)
      return !any(below .| above)
    }
    bowel = anatomy.bowel.indices.filter { meets(anatomy.bowel[$0].shape, 1) }
    kidneys = anatomy.kidneys.indices.filter { meets(anatomy.kidneys[$0], PhantomAnatomy.fatShell) }
    muscles = anatomy.psoas.indices.filter { meets(anatomy.psoas[$0], 1) }
    meetsLiver =
      meets(anatomy.liver, PhantomAnatomy.fatShell) || meets(anatomy.leftLobe, PhantomAnatomy.fatShell)
    meetsSpleen = meets(anatomy.spleen, PhantomAnatomy.fatShell)
    meetsStomach = meets(anatomy.stomach.shape, 1)
  }
}

extension PhantomAnatomy {
  /// Up to this level around an organ lies fat: its boundary shows on every side.
  static let fatShell = 1.14

  /// The tissue at `p`. What is painted later lies in front: bowel, spleen, liver, kidneys, spine.
  func tissue(at p: SIMD3<Double>, row: PhantomRow, bends: [Double], hepaticBends: [Double])
    -> PhantomTissue
  {
    let wave = 1 + bodyWave.x * p.z + bodyWave.y * (p.z * p.z - 0.5)
    let plane = SIMD2(p.x, p.y) / wave
    func ellipse(_ radii: SIMD2<Double>) -> Double {
      let q = plane / radii
      return (q * q).sum()
    }
    if ellipse(bodyRadii) > 1 { return PhantomTissue(hounsfield: -1000) }
    if ellipse(wallRadii) > 1 { return skeleton(p, orElse: fatHU) }
    if ellipse(cavityRadii) > 1 { return wall(p, depth: ellipse(cavityRadii)) }
    return skeleton(p, orElse: viscera(p, row: row, bends: bends, hepaticBends: hepaticBends))
  }

  private func viscera(_ p: SIMD3<Double>, row: PhantomRow, bends: [Double], hepaticBends: [Double])
    -> PhantomTissue
  {
    var tissue = PhantomTissue(hounsfield: fatHU)
    for index in row.bowel { paint(bowel[index], at: p, &tissue) }
    if row.meetsStomach { paint(stomach, at: p, &tissue) }
    for index in row.muscles where psoas[index].level(p) < 1 {
      tissue = PhantomTissue(hounsfield: muscleHU)
    }
    if row.meetsSpleen {
      let level = spleen.level(p)
      if level < Self.fatShell {
        tissue = PhantomTissue(hounsfield: level < 1 ? spleenHU : fatHU)
      }
    }
    for (index, vessel) in vessels.enumerated() where vessel.level(p, bend: bends[index]) < 1 {
      tissue = PhantomTissue(hounsfield: vessel.hounsfield)
    }
    if row.meetsLiver { paintLiver(p, hepaticBends: hepaticBends, &tissue) }
    for index in row.kidneys {
      let level = kidneys[index].level(p)
      guard level < Self.fatShell else { continue }
      let isParenchyma = level < 1 && hila[index].level(p) >= 1
      tissue =
        isParenchyma
        ? PhantomTissue(hounsfield: kidneyHU, label: PhantomLabel.kidneys)
        : PhantomTissue(hounsfield: fatHU)
    }
    return tissue
  }

  private func paintLiver(
    _ p: SIMD3<Double>, hepaticBends: [Double], _ tissue: inout PhantomTissue
  ) {
    let level = min(liver.level(p), leftLobe.level(p))
    guard level < Self.fatShell else { return }
    if level >= 1 {
      tissue = PhantomTissue(hounsfield: fatHU)
    } else if level < 0.93 && tumour.level(p) < 1 {
      tissue = PhantomTissue(hounsfield: tumourHU, label: PhantomLabel.tumour)
    } else {
      tissue = PhantomTissue(hounsfield: liverHU, label: PhantomLabel.liver)
      for (index, vessel) in hepaticVessels.enumerated()
      where vessel.level(p, bend: hepaticBends[index]) < 1 {
        tissue.hounsfield = vessel.hounsfield
      }
    }
  }

  private func paint(_ loop: Loop, at p: SIMD3<Double>, _ tissue: inout PhantomTissue) {
    let level = loop.shape.level(p)
    guard level < 1 else { return }
    let content = p.y > loop.gasAbove ? -900 : loop.hounsfield
    tissue = PhantomTissue(hounsfield: level > 0.82 ? muscleHU : content)
  }

  /// The abdominal wall: muscle with ribs, which slope down towards the front.
  private func wall(_ p: SIMD3<Double>, depth: Double) -> PhantomTissue {
    let slope = 3.5 * p.y
    let isRib = p.z > -0.45 && Double.cos(15 * p.z + slope + ribPhase) > 0.55
    let isMiddle = depth > 1.04 && depth < 1.2
    return skeleton(p, orElse: isRib && isMiddle ? boneHU : muscleHU)
  }

  private func skeleton(_ p: SIMD3<Double>, orElse hounsfield: Double) -> PhantomTissue {
    skeleton(p, orElse: PhantomTissue(hounsfield: hounsfield))
  }

  /// Vertebral bodies and discs, pedicles, the spinous process and the canal between them.
  private func skeleton(_ p: SIMD3<Double>, orElse other: PhantomTissue) -> PhantomTissue {
    let d = SIMD2(p.x, p.y) - spineCentre
    guard abs(d.x) < 0.2, d.y < 0.2, d.y > -0.45 else { return other }
    let phase = Double.cos(11 * p.z + spinePhase)
    let radius = spineRadius * (1 + 0.05 * phase)
    let body = (d.x * d.x / 1.25 + d.y * d.y).squareRoot() / radius
    let spine = PhantomLabel.spine
    if body < 1 {
      if phase < -0.75 { return PhantomTissue(hounsfield: boneHU * 0.45, label: spine) }
      return PhantomTissue(hounsfield: body > 0.85 ? boneHU + 120 : boneHU, label: spine)
    }
    let canal = SIMD2(d.x, d.y + spineRadius + 0.06)
    let ring = (canal * canal).sum().squareRoot()
    if ring < 0.055 { return PhantomTissue(hounsfield: 30) }
    if ring < 0.11 { return PhantomTissue(hounsfield: boneHU + 60, label: spine) }
    if body < 1.12 { return PhantomTissue(hounsfield: fatHU) }
    let isProcess = abs(d.x) < 0.035 && d.y < -spineRadius - 0.06 && d.y > -spineRadius - 0.22
    if isProcess { return PhantomTissue(hounsfield: boneHU + 60, label: spine) }
    return other
  }
}
