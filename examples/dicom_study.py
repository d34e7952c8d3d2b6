"""Audit a model on DICOM files: questions come from the header, identity stays there.

    python examples/dicom_study.py [OUT]

Here a small study is written first, so that the example runs anywhere.
"""

import sys
from pathlib import Path

import numpy as np
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, generate_uid

import medaudit

out = Path(sys.argv[1] if len(sys.argv) > 1 else "dicom-audit")
study = out.with_name(out.name + "-study")
study.mkdir(parents=True, exist_ok=True)

rng = np.random.default_rng(0)
for number in range(12):
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1.1"
    meta.MediaStorageSOPInstanceUID = generate_uid()
    file = FileDataset(None, {}, file_meta=meta, preamble=b"\0" * 128)
    file.SOPClassUID, file.SOPInstanceUID = meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID
    file.PatientName, file.PatientID = "Doe^Jane", f"ID-{number // 2}"  # never leaves the file
    file.Modality, file.BodyPartExamined, file.ViewPosition = "CR", "CHEST", "AP" if number % 2 else "PA"
    file.Rows = file.Columns = 64
    file.SamplesPerPixel, file.PhotometricInterpretation = 1, "MONOCHROME2"
    file.BitsAllocated, file.BitsStored, file.HighBit, file.PixelRepresentation = 16, 12, 11, 0
    file.WindowCenter, file.WindowWidth = 2000, 3000
    file.PixelData = rng.integers(0, 4096, (64, 64), dtype=np.uint16).tobytes()
    file.save_as(study / f"{number}.dcm")

cases = medaudit.load_cases(study)
print(f"{len(cases)} questions, for example: {cases.cases[0].question} {list(cases.cases[0].options)}")
audit = medaudit.scan("phantom:clean", study, probes=["baselines"], out=out)
for finding in audit.findings:
    print(f"{finding.metric:<12} {dict(finding.slice)}: {finding.estimate} {finding.reason}")
