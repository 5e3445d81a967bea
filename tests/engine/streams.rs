//! Manifests that are right, wrong or unusual.

use crate::page::{
    DURATION_SECONDS, Page, SAMPLE_MPD, in_chromium_and_firefox, play_to_end, request_count,
    wait_until,
};

#[test]
fn mpd_that_is_longer_than_its_media_plays_to_their_end() {
    in_chromium_and_firefox(|_, site| {
        site.add_file("long.mpd", SAMPLE_MPD.replace("PT32S", "PT44S"));
        let page = Page::open();
        page.load("long.mpd");
        play_to_end(&page, DURATION_SECONDS);
    });
}

#[test]
fn media_outside_their_period_are_moved_into_it() {
    in_chromium_and_firefox(|_, site| {
        let offset = "presentationTimeOffset=\"100\" startNumber=";
        site.add_file("shifted.mpd", SAMPLE_MPD.replace("startNumber=", offset));
        let page = Page::open();
        page.load("shifted.mpd");
        play_to_end(&page, DURATION_SECONDS);
    });
}

#[test]
fn mpd_of_ten_to_the_twelve_segments_plays() {
    const MPD: &str = r#"<MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static" mediaPresentationDuration="PT555555555H">
  <Period><AdaptationSet mimeType="video/mp4" codecs="avc1.4d401f">
    <SegmentTemplate media="720p/$Number$.m4s" initialization="720p/init.mp4" duration="2"/>
    <Representation id="a" bandwidth="1"/>
  </AdaptationSet></Period>
</MPD>"#;
    in_chromium_and_firefox(|_, site| {
        site.add_file("endless.mpd", MPD);
        let page = Page::open();
        page.load("endless.mpd");
        wait_until(&page, 20.0, || page.element.position() > 2.0);
    });
}

#[test]
fn presentation_that_starts_late_starts_there_in_one_source() {
    in_chromium_and_firefox(|_, site| {
        let late = SAMPLE_MPD.replace("start=\"PT0S\"", "start=\"PT5S\"");
        site.add_file("late.mpd", late.replace("\"PT32S\"", "\"PT37S\""));
        let page = Page::open();
        page.load("late.mpd");
        wait_until(&page, 20.0, || page.element.position() > 6.0);
        assert_eq!(request_count("late.mpd"), 1);
    });
}

#[test]
fn gap_longer_than_the_buffer_goal_is_skipped() {
    in_chromium_and_firefox(|_, site| {
        let missing = "#EXT-X-GAP\n#EXTINF:2,\nnowhere.m4s\n".repeat(6);
        let playlist = [
            "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXT-X-MAP:URI=\"muxed-init.mp4\"\n",
            "#EXTINF:2,\nmuxed-1.m4s\n",
            &missing,
            "#EXT-X-DISCONTINUITY\n#EXTINF:2,\nmuxed-3.m4s\n#EXTINF:2,\nmuxed-4.m4s\n#EXT-X-ENDLIST\n",
        ];
        let path = "tests/media/packed/added.m3u8";
        site.add_file(path, playlist.concat());
        let page = Page::open();
        page.load_with_goal(path, 8.0);
        wait_until(&page, 60.0, || page.element.has_ended());
        let end = page.element.position();
        assert!((end - 18.0).abs() < 0.4, "{end}");
        assert_eq!(request_count("nowhere"), 0);
    });
}
