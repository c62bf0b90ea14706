import FoundationEssentials
import Testing
import Volumes

@testable import Training

/// Every rule of bad input: which case and why, before anything trains.
@Suite struct BadInputTests {
  /// Six phantoms whose labels are 1 to 4, changed, and what is then said of them.
  private func read(
    _ overrides: [String] = [], change: (Workspace) throws -> Void = { _ in }
  ) throws -> (errors: [String], warnings: [String]) {
    let workspace = try Workspace()
    try workspace.makePhantoms(4)
    try change(workspace)
    let recipe = try workspace.recipe(["data.split=null"] + overrides)
    do {
      let dataset = try Dataset(recipe)
      return ([], dataset.notes)
    } catch {
      return (error.problems, error.warnings)
    }
  }

  private func changeLabels(_ workspace: Workspace, _ name: String, _ body: (inout [Int32]) -> Void) throws {
    let path = workspace.file("data/labels/\(name).nii.gz")
    var labels = try NiftiFile.readLabels(path).labels
    body(&labels.voxels)
    try NiftiFile.writeLabels(labels, to: path)
  }

  @Test func soundDataHaveNoErrorAndNoWarning() throws {
    let found = try read()
    #expect(found.errors == [])
    #expect(found.warnings == [])
  }

  @Test func aMissingLabelIsAnErrorBesideAllOthers() throws {
    let found = try read { workspace in
      try FileManager.default.removeItem(atPath: workspace.file("data/labels/p0.nii.gz"))
      try changeLabels(workspace, "p2") { $0[0] = 50 }
    }
    #expect(found.errors.count == 2)
    #expect(found.errors.contains { $0.contains("case p0 has no label") })
    #expect(found.errors.contains { $0.contains("p2.nii.gz") && $0.contains("label 50 (1 voxels)") })
  }

  @Test func unequalNumbersOfChannelsAreAnError() throws {
    let found = try read { workspace in
      for index in 0..<4 {
        let image = workspace.file("data/images/p\(index)")
        try FileManager.default.moveItem(atPath: image + ".nii.gz", toPath: image + "_0000.nii.gz")
        guard index != 2 else { continue }
        try FileManager.default.copyItem(atPath: image + "_0000.nii.gz", toPath: image + "_0001.nii.gz")
      }
    }
    #expect(found.errors.count == 1)
    #expect(found.errors.first?.contains("case p2 has 1 channel") == true)
    #expect(found.errors.first?.contains("expected 2") == true)
  }

  @Test func geometryThatDisagreesIsAnError() throws {
    let found = try read { workspace in
      let path = workspace.file("data/labels/p1.nii.gz")
      var labels = try NiftiFile.readLabels(path).labels
      labels.grid.affine.translation.x += 30
      try NiftiFile.writeLabels(labels, to: path)
    }
    #expect(found.errors.count == 1)
    #expect(found.errors.first?.contains("labels/p1.nii.gz") == true)
    #expect(found.errors.first?.contains("its first voxel lies at") == true)
  }

  @Test func aClassThatNoTrainingCaseHasIsAnErrorAlsoBesideOthers() throws {
    let found = try read(["data.classes.spleen=9"]) { workspace in
      try changeLabels(workspace, "p2") { $0[0] = 50 }
    }
    #expect(found.errors.count == 2)
    #expect(found.errors.contains { $0.contains("class spleen (id 9)") && $0.contains("1 cases could not be read") })
  }

  @Test func aClassOfValidationCasesAloneIsAnError() throws {
    let workspace = try Workspace()
    try workspace.makePhantoms(3)
    try changeLabels(workspace, "p2") { $0[0] = 9 }
    try workspace.write(#"{"training": ["p0", "p1"], "validation": ["p2"]}"#, "split.json")
    let recipe = try workspace.recipe(["data.classes.spleen=9", "data.split=\(workspace.file("split.json"))"])
    let error = #expect(throws: DatasetErrors.self) { try Dataset(recipe) }
    #expect(error?.problems.count == 1)
    #expect(error?.description.contains("class spleen (id 9): no training case") == true)
  }

  @Test func twoCasesOfOneNameAreAnError() throws {
    let found = try read { workspace in
      let label = try NiftiFile.readLabels(workspace.file("data/labels/p1.nii.gz")).labels
      try NiftiFile.writeLabels(label, to: workspace.file("data/labels/p1.nii"))
    }
    #expect(found.errors.count == 1)
    #expect(found.errors.first?.contains("two cases are named p1: p1.nii and p1.nii.gz") == true)
    let listed = try read([
      "data.layout=list",
      "data.cases=[{name: 'a', image: 'images/p0.nii.gz', label: 'labels/p0.nii.gz'}, "
        + "{name: 'a', image: 'images/p1.nii.gz', label: 'labels/p1.nii.gz'}]",
    ])
    #expect(listed.errors.contains { $0.contains("two cases are named a") })
  }

  @Test func aPatientOnBothSidesOfASplitIsAnError() throws {
    let cases = ["p1_a", "p1_b", "p2_a", "p3_a"]
    let split = CaseSplit(training: ["p1_a", "p2_a"], validation: ["p1_b", "p3_a"])
    let found = split.problems(cases: cases, path: "s.json", patients: "^(p[0-9]+)_")
    #expect(found == ["s.json: the patient p1 is on both sides: p1_a trains, p1_b validates"])
    let groups = CaseGrouping(groups: [["p2_a", "p3_a"]])
    #expect(split.problems(cases: cases, path: "s.json", patients: groups).count == 1)
    #expect(split.problems(cases: cases, path: "s.json") == [])
    // Names as BIDS has them tell the patient without being asked; a pattern of one's own has the last word.
    let sides = CaseSplit(training: ["sub-01_left", "sub-02_left"], validation: ["sub-01_right"])
    let all = sides.training + sides.validation
    #expect(sides.problems(cases: all, path: "s.json").first?.contains("the patient sub-01 is on both sides") == true)
    #expect(sides.problems(cases: all, path: "s.json", patients: "(.*)") == [])
  }

  @Test func everyFoldOfASplitFileIsHeldAgainstThePatients() throws {
    let workspace = try Workspace()
    try workspace.makePhantoms(3)
    try workspace.write(
      #"[{"train": ["p0", "p1"], "val": ["p2"]}, {"train": ["p2", "p1"], "val": ["p0", "p1"]}]"#, "data/folds.json")
    let recipe = try workspace.recipe(["data.split={file: '\(workspace.file("data/folds.json"))', groupBy: '^p[01]'}"])
    let error = #expect(throws: DatasetErrors.self) { try Dataset(recipe, fold: 0) }
    #expect(error?.problems.count == 1)
    #expect(error?.description.contains("fold 1: the case p1 is in training and in validation") == true)
    #expect(try Recipe(json: recipe.json, path: "again").data.split == recipe.data.split)
  }

  @Test(arguments: [
    (["sub-1_ses-1", "sub-1_ses-2", "sub-2_ses-1"], "sub-1"),
    (["knee_12_left", "knee_12_right", "knee_13_left"], "knee_12"),
    (["p3_visit1", "p3_visit2", "p4_visit1"], "p3"), (["patient007_x", "patient007_y", "patient008_x"], "patient007"),
  ])
  func usualWaysToNamePatientsAreFound(names: [String], patient: String) throws {
    let grouping = try #require(CaseGrouping.detected(in: names))
    let patients = grouping.patients(names)
    #expect(patients[names[0]] == patient)
    #expect(patients[names[1]] == patient)
    #expect(patients[names[2]] != patient)
  }

  @Test func numbersAloneAreNoPatients() {
    #expect(CaseGrouping.detected(in: ["hippocampus_003", "hippocampus_008", "liver_1", "BRATS_001"]) == nil)
  }

  @Test func foldsKeepListedGroupsTogether() throws {
    let cases = (0..<12).map { "h_\($0)" }
    let grouping = CaseGrouping(groups: [["h_3", "h_4"], ["h_4", "h_9"]])
    for fold in 0..<3 {
      let split = try SplitRule.folds(3, seed: 0, groupBy: grouping).resolved(cases: cases, fold: fold)
      let sides = Set(["h_3", "h_4", "h_9"].map { split.training.contains($0) })
      #expect(sides.count == 1)
    }
  }

  @Test func aCaseWithoutForegroundIsAWarning() throws {
    let found = try read { workspace in
      try changeLabels(workspace, "p1") { for i in $0.indices { $0[i] = 0 } }
    }
    #expect(found.errors == [])
    #expect(found.warnings.count == 1)
    #expect(found.warnings.first?.contains("case p1 has no foreground") == true)
  }

  @Test func idsWithGapsAreAWarning() throws {
    let found = try read([
      "data.classes=\(#"{"background": 0, "liver": 1, "tumour": 2, "kidneys": 3, "spine": 40}"#)"
    ]) { workspace in
      for index in 0..<4 {
        try changeLabels(workspace, "p\(index)") { for i in $0.indices where $0[i] == 4 { $0[i] = 40 } }
      }
    }
    #expect(found.errors == [])
    #expect(found.warnings.count == 1)
    #expect(found.warnings.first?.contains("0, 1, 2, 3, 40 have gaps") == true)
  }

  @Test func casesBelowThePatchAreAWarning() throws {
    let found = try read(["sampler.patch=[32, 16, 8]"])
    #expect(found.errors == [])
    #expect(found.warnings.count == 1)
    #expect(found.warnings.first?.contains("4 of 4 training cases are smaller than the patch 32×16×8") == true)
  }

  @Test func flipsOfLabelsOfOneSideAreAWarning() throws {
    let classes = #"data.classes={"background": 0, "liver": 1, "tumour": 2, "kidney_left": 3, "Right kidney": 4}"#
    let found = try read([classes])
    #expect(found.errors == [])
    #expect(found.warnings.count == 1)
    #expect(found.warnings.first?.contains("kidney_left, Right kidney") == true)
    #expect(try read([classes, "augmentation.leftRightFlipProbability=0"]).warnings == [])
    #expect(try read([classes, "augmentation.labelsSwappedByLeftRightFlip=[[3, 4]]"]).warnings == [])
  }

  @Test func wordsOfASideAreFoundInNames() {
    for name in ["left kidney", "kidney_left", "kidneyRight", "L-lung", "lh"] {
      #expect(LeftRight.isNamed(in: name), "\(name)")
    }
    for name in ["liver", "cleft", "brightness", "label 1", "Anterior"] {
      #expect(!LeftRight.isNamed(in: name), "\(name)")
    }
  }

  @Test func aFolderThatHoldsNoDataSetSaysWhatWasExpected() throws {
    let workspace = try Workspace()
    let error = #expect(throws: RecipeErrors.self) { try Recipe(checking: workspace.path) }
    #expect(error?.description.contains("expected dataset.json, or the folders images and labels") == true)
  }
}
