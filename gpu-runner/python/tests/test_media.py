import json
import os
import struct
import unittest
import zlib

import aiplatform_runtime as aip
from aiplatform_runtime import _media
from tests.test_runtime import RuntimeCase
from tests.fake_runner import FakeRunner


class ReadingRunner(FakeRunner):
    """Reads the files of media as they arrive, as the runner does before it answers."""

    def __init__(self, path):
        self.contents = []
        super().__init__(path)
        runner = self

        class Requests(list):
            def append(self, request):
                super().append(request)
                if request["op"] == "media":
                    with open(request["file"], "rb") as file:
                        runner.contents.append(file.read())

        self.requests = Requests()


class Media(RuntimeCase):
    def setUp(self):
        super().setUp()
        path = str(self.folder / "s")
        self.runner = ReadingRunner(path)
        os.environ.update(AIP_SOCKET=path, RANK="0")

    def tearDown(self):
        self.runner.close()
        super().tearDown()

    def sent(self):
        return self.runner.ops("media")[-1], self.runner.contents[-1]

    def test_pixels_become_a_png_that_holds_them(self):
        aip.log_image("val/samples", [[[255, 0, 0], [0, 255, 0]], [[0, 0, 255], [1, 2, 3]]], step=7, caption="four")
        request, data = self.sent()
        self.assertEqual((request["step"], request["media"]), (7, {"key": "val/samples", "kind": "image", "caption": "four"}))
        self.assertEqual(data[:8], b"\x89PNG\r\n\x1a\n")
        self.assertEqual(struct.unpack(">IIBB", data[16:26]), (2, 2, 8, 2))
        length = struct.unpack(">I", data[33:37])[0]
        self.assertEqual(zlib.decompress(data[41 : 41 + length]), b"\0\xff\0\0\0\xff\0" + b"\0\0\0\xff\1\2\3")
        self.assertEqual(os.listdir(".aiplatform-media"), [])

    def test_numbers_from_0_to_1_are_scaled_and_cut(self):
        self.assertEqual(_media._pixels([[0.0, 0.5, 1.0, 2.0, -1.0]]), ([bytes([0, 128, 255, 255, 0])], 1))
        for wrong in ([], [1, 2], [[[1] * 5]], [[1, 2], [1]]):
            with self.assertRaises(ValueError):
                _media._pixels(wrong)

    def test_files_and_bytes_go_as_they_are(self):
        (self.folder / "a.png").write_bytes(b"anything")
        aip.log_image("a", self.folder / "a.png", 1)
        self.assertEqual(self.sent()[1], b"anything")
        aip.log_image("a", b"else", 1)
        self.assertEqual(self.sent()[1], b"else")

    def test_a_histogram_counts_every_finite_value_once(self):
        aip.log_histogram("w", [[0, 1], [2, float("nan")], [3.0, 4]], step=2, bins=4)
        histogram = json.loads(self.sent()[1])
        self.assertEqual(histogram, {"edges": [0.0, 1.0, 2.0, 3.0, 4.0], "counts": [1, 1, 1, 2]})
        aip.log_histogram("w", ([3, 4], [0, 1, 2]), step=3)
        self.assertEqual(json.loads(self.sent()[1]), {"edges": [0, 1, 2], "counts": [3, 4]})
        aip.log_histogram("w", [5, 5, 5], step=3, bins=1)
        self.assertEqual(json.loads(self.sent()[1])["counts"], [3])
        with self.assertRaises(ValueError):
            aip.log_histogram("w", [float("nan")], step=1)

    def test_a_confusion_matrix_counts_rows_of_truth(self):
        aip.log_confusion_matrix("c", [0, 0, 1, 10], [0, 1, 1, 2], step=1)
        self.assertEqual(json.loads(self.sent()[1]), {"labels": ["0", "1", "2", "10"], "matrix": [[1, 1, 0, 0], [0, 1, 0, 0], [0, 0, 0, 0], [0, 0, 1, 0]]})
        aip.log_confusion_matrix("c", matrix=[[1, 2], [3, 4]], labels=["cat", "dog"], step=2)
        self.assertEqual(json.loads(self.sent()[1]), {"labels": ["cat", "dog"], "matrix": [[1, 2], [3, 4]]})
        with self.assertRaises(ValueError):
            aip.log_confusion_matrix("c", [1], [1, 2], step=1)

    def test_texts_and_tables(self):
        aip.log_text("t", "größer", step=0)
        self.assertEqual(self.sent()[1], "größer".encode())
        aip.log_table("t", ["a", "b"], [[1, "x"], [None, float("inf")]], step=0)
        self.assertEqual(json.loads(self.sent()[1]), {"columns": ["a", "b"], "rows": [[1, "x"], [None, "inf"]]})
        with self.assertRaisesRegex(ValueError, "row 1"):
            aip.log_table("t", ["a"], [[1], [1, 2]], step=0)


class Alone(RuntimeCase):
    def test_media_without_a_runner_are_only_printed(self):
        aip.log_text("t", "x", step=1)
        self.assertFalse((self.folder / ".aiplatform-media").exists())


if __name__ == "__main__":
    unittest.main()
