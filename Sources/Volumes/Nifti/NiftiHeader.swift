/// A NIfTI-1 or NIfTI-2 header in one form: the fields that geometry and voxel values rest on, as stored.
///
/// Lengths are in the file's own `units`; `NiftiGeometry` converts them to millimetres. float32 fields of
/// NIfTI-1 widen to Double without loss, so that writing them back gives the same bits.
public struct NiftiHeader: Sendable, Equatable {
  /// 1 (348-byte header) or 2 (540-byte header).
  public var version: Int
  /// Whether the file's byte order is the other one than this machine's.
  public var isByteSwapped: Bool
  /// Whether voxels follow the header in the same file (`n+1`) or stand in an `.img` (`ni1`).
  public var isSingleFile: Bool
  /// dim[1…dim[0]] as stored.
  public var dimensions: [Int]
  public var datatype: NiftiDatatype
  public var bitsPerVoxel: Int
  /// First byte of the voxels in their file.
  public var voxelOffsetInBytes: Int
  /// value = slope · stored + intercept; slope 0 or NaN means that stored values count as they are.
  public var slope: Double
  public var intercept: Double
  public var qformCode: Int
  public var sformCode: Int
  /// pixdim[0…7]: qfac, then distances in `units`.
  public var pixdim: [Double]
  /// b, c, d of the rotation's unit quaternion.
  public var quaternion: SIMD3<Double>
  public var qoffset: SIMD3<Double>
  /// srow_x, srow_y, srow_z, each (i, j, k, 1).
  public var srows: [SIMD4<Double>]
  /// Units of space (bits 0–2) and time (bits 3–5), as stored.
  public var xyztUnits: Int
  /// Frequency, phase and slice axis, two bits each.
  public var dimInfo: UInt8

  public enum LengthUnit: String, Sendable {
    case unknown, metre, millimetre, micron

    /// Unknown counts as millimetres, as every reader does.
    public var inMillimetres: Double {
      switch self {
      case .metre: 1000
      case .micron: 0.001
      case .unknown, .millimetre: 1
      }
    }
  }

  public var units: LengthUnit {
    switch xyztUnits & 7 {
    case 1: .metre
    case 2: .millimetre
    case 3: .micron
    default: .unknown
    }
  }

  /// Voxels along i, j, k; absent axes count 1.
  public var size: SIMD3<Int> {
    func extent(_ axis: Int) -> Int { axis < dimensions.count ? dimensions[axis] : 1 }
    return SIMD3(extent(0), extent(1), extent(2))
  }

  /// Volumes in the file: dim[4].
  public var channelCount: Int { dimensions.count > 3 ? dimensions[3] : 1 }

  /// Whether values are to be computed from stored ones.
  public var hasScaling: Bool {
    slope.isFinite && slope != 0 && (slope != 1 || intercept != 0)
  }

  /// A header for a volume that comes from no file: sform code 1 (scanner), and a qform where the affine is
  /// a rotation times spacing. NIfTI-2 where an extent passes 32,767.
  public init(grid: VolumeGrid, datatype: NiftiDatatype = .float32) {
    version = grid.size.max() > Int(Int16.max) ? 2 : 1
    isByteSwapped = false
    isSingleFile = true
    dimensions = [grid.size.x, grid.size.y, grid.size.z]
    self.datatype = datatype
    bitsPerVoxel = 8 * datatype.bytesPerVoxel
    voxelOffsetInBytes = version == 1 ? 352 : 544
    slope = 1
    intercept = 0
    xyztUnits = 2
    dimInfo = 0
    let a = grid.affine
    srows = (0..<3).map {
      SIMD4(a.columns.0[$0], a.columns.1[$0], a.columns.2[$0], a.translation[$0])
    }
    sformCode = 1
    let s = grid.spacingInMillimetres
    pixdim = [1, s.x, s.y, s.z, 1, 1, 1, 1]
    qformCode = 0
    quaternion = .zero
    qoffset = .zero
    if a.isOrthogonal(tolerance: 1e-5) {
      let q = NiftiGeometry.quaternion(of: a)
      qformCode = 1
      quaternion = q.bcd
      qoffset = a.translation
      pixdim[0] = q.qfac
    }
  }

  /// For the parser, which sets every field.
  init(version: Int, isByteSwapped: Bool, isSingleFile: Bool, datatype: NiftiDatatype) {
    self.version = version
    self.isByteSwapped = isByteSwapped
    self.isSingleFile = isSingleFile
    self.datatype = datatype
    dimensions = []
    bitsPerVoxel = 0
    voxelOffsetInBytes = 0
    slope = 0
    intercept = 0
    qformCode = 0
    sformCode = 0
    pixdim = []
    quaternion = .zero
    qoffset = .zero
    srows = []
    xyztUnits = 0
    dimInfo = 0
  }
}
