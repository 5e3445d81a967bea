use super::{first_representation, parse_mpd, parse_period, video_set};
use crate::media::{AutoSelect, Purpose, dash::reader::MAX_BASE_URLS, presentation::ContentType};

#[test]
fn switchable_sets_are_merged() {
    let set = |id: &str, switchable_ids: &str, bandwidth: u32, attributes: &str| {
        format!(
            "<AdaptationSet id='{id}' mimeType='video/mp4' {attributes}><SupplementalProperty \
             schemeIdUri='urn:mpeg:dash:adaptation-set-switching:2016' value='{switchable_ids}'/>\
             <Representation bandwidth='{bandwidth}'><SegmentTemplate media='m'/></Representation>\
             </AdaptationSet>"
        )
    };
    let sets = |period: &str| parse_period(period).periods[0].adaptation_sets.clone();
    let hd = set("1", "2, 3", 500, "");
    let merged = sets(&(hd.clone() + set("2", "1", 100, "").as_str()));
    let [merged] = merged.as_slice() else {
        panic!("{merged:?}");
    };
    let bandwidths: Vec<_> = (merged.representations.iter())
        .map(|representation| representation.bandwidth)
        .collect();
    assert_eq!(bandwidths, [100, 500]);
    for other in [set("4", "1", 100, ""), set("2", "1", 100, "lang='de'")] {
        assert_eq!(sets(&(hd.clone() + other.as_str())).len(), 2);
    }
}

#[test]
fn base_urls_combine_with_those_above() {
    let text = format!(
        "<MPD mediaPresentationDuration='PT1S'><BaseURL>http://one/</BaseURL>\
         <BaseURL dvb:priority='3'>http://three/</BaseURL><BaseURL \
         dvb:priority='2'>two/</BaseURL>\
         <Period><BaseURL>p/</BaseURL>{}</Period></MPD>",
        video_set("<SegmentTemplate media='m'/>")
    );
    let presentation = parse_mpd(&text).unwrap();
    let base_urls: Vec<&str> = (first_representation(&presentation).base_urls.iter())
        .map(|url| &**url)
        .collect();
    assert_eq!(
        base_urls,
        ["http://one/p/", "http://x/a/two/p/", "http://three/p/"]
    );
    let three = "<BaseURL>a/</BaseURL><BaseURL>b/</BaseURL><BaseURL>c/</BaseURL>";
    let set = video_set(&format!("{three}<SegmentTemplate media='m'/>"));
    let presentation = parse_period(&format!("{three}{set}"));
    let base_urls = &first_representation(&presentation).base_urls;
    assert_eq!(base_urls.len(), MAX_BASE_URLS);
    assert_eq!(&*base_urls[0], "http://x/a/a/a/");
    assert_eq!(&*base_urls[1], "http://x/a/a/b/");
}

#[test]
fn sets_have_type_language_label_and_role() {
    let presentation = parse_period(
        "<AdaptationSet lang='en' contentType='audio' mimeType='audio/mp4'><Label>A &amp; \
        B</Label><Role value='main'/>\
           <Representation id='a'><SegmentTemplate media='m'/></Representation></AdaptationSet>\
         <AdaptationSet lang='und' label='D' codecs='mp4a.40.2'><Role value='main'/><Role \
         value='description'/>\
           <Representation id='d'><SegmentTemplate media='m'/></Representation></AdaptationSet>\
         <AdaptationSet mimeType='application/mp4' codecs='stpp'>\
           <Representation id='t'><SegmentTemplate media='m'/></Representation></AdaptationSet>\
         <AdaptationSet mimeType='image/jpeg' contentType='image'>\
           <Representation id='i'><SegmentTemplate media='m'/></Representation></AdaptationSet>\
         <AdaptationSet contentType='text'>\
           <Representation id='v' \
           mimeType='text/vtt'><BaseURL>t.vtt</BaseURL></Representation></AdaptationSet>",
    );
    let actual: Vec<_> = (presentation.periods[0].adaptation_sets.iter())
        .map(|set| (set.content_type, &*set.language, &*set.label, set.is_main))
        .collect();
    let expected = [
        (ContentType::Audio, "en", "A & B", true),
        (ContentType::Audio, "", "D", false),
    ];
    assert_eq!(actual, expected);
}

#[test]
fn purpose_keeps_sets_apart() {
    let template = "<SegmentTemplate media='m'/><Representation/>";
    let switching = "<SupplementalProperty \
        schemeIdUri='urn:mpeg:dash:adaptation-set-switching:2016' value='1'/>";
    let described = "<Accessibility schemeIdUri='urn:tva:metadata:cs:AudioPurposeCS:2007' value='1'/>\
        <Role schemeIdUri='urn:mpeg:dash:role:2011' value='alternate'/>";
    let main = "<Role schemeIdUri='urn:mpeg:dash:role:2011' value='main'/>";
    let set = |id: u8, children: &str| {
        format!(
            "<AdaptationSet id='{id}' lang='en' mimeType='audio/mp4'>{children}{switching}{template}\
             </AdaptationSet>"
        )
    };
    let presentation = parse_period(&[set(1, described), set(2, main), set(3, "")].concat());
    let actual: Vec<_> = (presentation.periods[0].adaptation_sets.iter())
        .map(|set| (set.purpose, set.auto_select, set.is_main))
        .collect();
    let expected = [
        (Purpose::AudioDescription, AutoSelect::Never, false),
        (Purpose::Programme, AutoSelect::Preferred, true),
        (Purpose::Programme, AutoSelect::Allowed, false),
    ];
    assert_eq!(actual, expected);
}

#[test]
fn set_is_divided_by_container_and_protection() {
    let presentation = parse_period(
        "<AdaptationSet contentType='video'><SegmentTemplate media='m'/>\
         <Representation id='1' mimeType='video/mp4'/><Representation id='2' \
         mimeType='video/webm'/>\
         <Representation id='3' mimeType='video/mp4'/>\
         <Representation id='4' \
         mimeType='video/mp4'><ContentProtection/></Representation></AdaptationSet>",
    );
    let sets: Vec<_> = (presentation.periods[0].adaptation_sets.iter())
        .map(|set| {
            let ids = set.representations.iter().map(|it| it.id.as_str());
            (ids.collect::<Vec<_>>(), set.is_protected)
        })
        .collect();
    let expected = [
        (vec!["1", "3"], false),
        (vec!["2"], false),
        (vec!["4"], true),
    ];
    assert_eq!(sets, expected);
}

#[test]
fn locations_and_services_are_alternative_bases() {
    let urls = |before: &str, base_urls: &str| {
        let set = video_set("<SegmentTemplate media='m'/>");
        let text = format!(
            "<MPD mediaPresentationDuration='PT1S'>{before}{base_urls}<Period>{set}</Period></MPD>"
        );
        let presentation = parse_mpd(&text).unwrap();
        let representation = first_representation(&presentation);
        let urls = representation.base_urls.iter().map(ToString::to_string);
        urls.collect::<Vec<_>>()
    };
    let original = "http://x/a/stream.mpd";
    assert_eq!(
        urls(
            "<Location>http://y/b/s.mpd</Location><Location>stream.mpd</Location>",
            ""
        ),
        [original, "http://y/b/s.mpd"]
    );
    let services = "<BaseURL serviceLocation='a'>http://a/</BaseURL>\
        <BaseURL serviceLocation='b'>http://b/</BaseURL>";
    assert_eq!(urls("", services), ["http://a/", "http://b/"]);
    let steering = "<ContentSteering defaultServiceLocation='b a'>http://s/</ContentSteering>";
    assert_eq!(urls(steering, services), ["http://b/", "http://a/"]);
}
