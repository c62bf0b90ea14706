import Testing

@testable import Volumes

@Suite("Geometry")
struct GeometryTests {
  struct OrientationCase: Decodable {
    var affine: [[Double]]
    var code: String
    var quaternion: [Double]
    var qfac: Double

    var map: Affine {
      func column(_ c: Int) -> SIMD3<Double> { SIMD3(affine[0][c], affine[1][c], affine[2][c]) }
      return Affine(columns: (column(0), column(1), column(2)), translation: column(3))
    }
  }

  @Test func orientationCodesAreNibabels() throws {
    let cases = try TestData.decode([OrientationCase].self, "orientation.json")
    #expect(cases.count == 24)
    for c in cases { #expect(Orientation(of: c.map).description == c.code) }
  }

  @Test func quaternionsAreNibabels() throws {
    for c in try TestData.decode([OrientationCase].self, "orientation.json") {
      let q = NiftiGeometry.quaternion(of: c.map)
      #expect(q.qfac == c.qfac)
      // q and −q are one rotation; with a = 0 either sign may come out.
      let same = (0..<3).allSatisfy { abs(q.bcd[$0] - c.quaternion[$0]) < 1e-4 }
      let opposite = (0..<3).allSatisfy { abs(q.bcd[$0] + c.quaternion[$0]) < 1e-4 }
      #expect(same || (opposite && (q.bcd * q.bcd).sum() > 0.999), "\(q.bcd) \(c.quaternion)")
    }
  }

  @Test func reorientationKeepsEveryVoxelInPlace() throws {
    for c in try TestData.decode([OrientationCase].self, "orientation.json") {
      var volume = sampleVolume(SIMD3(4, 3, 5))
      volume.grid.affine = c.map
      let (ras, reorientation) = volume.reorientedToRAS()
      #expect(Orientation(of: ras.grid.affine).description == "RAS")
      // The value at a place in the patient is the same: find each source voxel's place in the result.
      let toIndex = ras.grid.affine.inverse
      for k in 0..<5 {
        for j in 0..<3 {
          for i in 0..<4 {
            let at = toIndex(volume.grid.affine(SIMD3(Double(i), Double(j), Double(k))))
            let n = ras.grid.size
            let p = SIMD3(Int(at.x.rounded()), Int(at.y.rounded()), Int(at.z.rounded()))
            #expect(abs(at.x - Double(p.x)) < 1e-9)
            #expect(ras.voxels[p.x + n.x * (p.y + n.y * p.z)] == volume.voxels[i + 4 * (j + 3 * k)])
          }
        }
      }
      let back = reorientation.inverse(ras)
      #expect(back.voxels == volume.voxels && back.grid == volume.grid)
      #expect(reorientation.inverse.inverse == reorientation)
    }
  }

  @Test func affineInverseInverts() {
    let p = obliqueAffine.inverse(obliqueAffine(SIMD3(3, -4, 17.5)))
    #expect(((p - SIMD3(3, -4, 17.5)) * (p - SIMD3(3, -4, 17.5))).sum() < 1e-20)
    #expect(obliqueAffine.determinant < 0 && obliqueAffine.isOrthogonal(tolerance: 1e-12))
  }

  @Test func disagreementNamesTheDifference() throws {
    let grid = VolumeGrid(size: SIMD3(4, 3, 5), affine: obliqueAffine)
    func problem(_ change: (inout VolumeGrid) -> Void) -> String? {
      var other = grid
      change(&other)
      do throws(VolumeError) {
        try grid.requireAgreement(of: other, path: "label.nii", with: "image.nii")
        return nil
      } catch { return error.description }
    }
    #expect(problem { $0.affine.translation.x += 9e-4 } == nil)
    #expect(problem { $0.affine.translation.x += 2e-3 }?.contains("first voxel lies at (81.252") == true)
    #expect(problem { $0.affine.columns.1.y += 2e-3 }?.contains("axis 2 steps by") == true)
    #expect(problem { $0.size.z = 4 } == "label.nii: has 4×3×4 voxels, expected 4×3×5 as in image.nii")
  }

  @Test func pairsAreFoundByEitherName() throws {
    let there: Set = ["a.hdr", "a.img.gz", "b.HDR.gz"]
    let exists = { (p: String) in there.contains(p) }
    #expect(try NiftiPaths(reading: "a.hdr", exists: exists).voxels == "a.img.gz")
    #expect(try NiftiPaths(reading: "a.img.gz", exists: exists).header == "a.hdr")
    #expect(throws: VolumeError.self) { try NiftiPaths(reading: "c.hdr", exists: exists) }
    #expect(throws: VolumeError.self) { try NiftiPaths(reading: "c.nrrd", exists: exists) }
    #expect(NiftiFile.accepts("X.NII.GZ") && !NiftiFile.accepts("x.dcm"))
  }
}
