import pytest

from ingest.sources.bags.names import camera_names, camera_path


@pytest.mark.parametrize(("topics", "names"), [
    (["/camera/image_raw"], ["camera"]),
    (["/camera/front/image_raw/compressed", "/camera/rear/image_raw"], ["front", "rear"]),
    (["/CAM_FRONT/image_rect_compressed", "/CAM_FRONT_LEFT/image_rect_compressed"],
     ["CAM_FRONT", "CAM_FRONT_LEFT"]),
    (["/sensing/camera/camera0/image_rect_color"], ["camera0"]),
    (["/left/camera/image", "/right/camera/image"], ["left", "right"]),
    (["/a/front/image", "/b/front/image"], ["a_front", "b_front"]),
    (["/all/image", "/cámara/image"], ["camera_all", "c_mara"]),
    (["/image"], ["image"]),
])  # fmt: skip
def test_names_of_cameras(topics, names):
    assert camera_names([camera_path(topic) for topic in topics]) == names


def test_topics_of_one_camera_have_one_path():
    topics = ["image_raw", "image_rect_color/compressed", "camera_info", "video", "calibration"]
    assert {camera_path(f"/x/front/{topic}") for topic in topics} == {("x", "front")}
