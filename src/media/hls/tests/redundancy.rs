//! Redundant copies of variants and renditions, which are kept for fail-over.

use super::{read_multivariant, sets, uris};

#[test]
fn variants_with_same_attributes_are_copies() {
    let found = sets(
        "#EXT-X-STREAM-INF:BANDWIDTH=2,RESOLUTION=640x360\na/2\n\
         #EXT-X-STREAM-INF:BANDWIDTH=2,RESOLUTION=640x360\nb/2\n\
         #EXT-X-STREAM-INF:BANDWIDTH=2,RESOLUTION=640x360\nc/2\n\
         #EXT-X-STREAM-INF:BANDWIDTH=2,RESOLUTION=320x180\na/small\n\
         #EXT-X-STREAM-INF:BANDWIDTH=1,RESOLUTION=640x360\na/1\n",
    );
    assert_eq!(uris(&found[0]), ["a/1", "a/2", "a/small"]);
    let copies: Vec<_> = (found[0].representations.iter())
        .map(|representation| representation.copies.clone())
        .collect();
    assert_eq!(
        copies,
        [vec![], vec!["b/2".to_owned(), "c/2".into()], vec![]]
    );
}

/// Two servers, each with two groups of audio.
fn two_servers(pathways: [&str; 2]) -> String {
    let mut lines = String::new();
    for (server, pathway) in ["a", "b"].into_iter().zip(pathways) {
        for group in ["lo", "hi"] {
            let id = format!("{server}-{group}");
            for language in ["en", "de"] {
                lines += &format!(
                    "#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"{id}\",NAME=\"{language}\",\
                     LANGUAGE=\"{language}\",URI=\"{server}/{group}-{language}\"\n"
                );
            }
            let bandwidth = if group == "lo" { 1 } else { 2 };
            lines += &format!(
                "#EXT-X-STREAM-INF:BANDWIDTH={bandwidth},CODECS=\"avc1.4d401e,mp4a.40.2\",\
                 AUDIO=\"{id}\"{pathway}\n{server}/{bandwidth}\n"
            );
        }
    }
    lines
}

#[test]
fn renditions_of_copied_variants_are_copies() {
    for pathways in [["", ""], [",PATHWAY-ID=\"A\"", ",PATHWAY-ID=\"B\""]] {
        let found = sets(&two_servers(pathways));
        let all: Vec<_> = (found.iter())
            .flat_map(|set| uris(set).into_iter().zip(&set.representations))
            .map(|(uri, representation)| (uri, representation.copies.join(" ")))
            .collect();
        let expected = [
            ("a/1", "b/1"),
            ("a/2", "b/2"),
            ("a/lo-en", "b/lo-en"),
            ("a/hi-en", "b/hi-en"),
            ("a/lo-de", "b/lo-de"),
            ("a/hi-de", "b/hi-de"),
        ];
        assert_eq!(all, expected.map(|(uri, copy)| (uri, copy.to_owned())));
    }
}

#[test]
fn steered_pathway_is_preferred() {
    let pathways = [",PATHWAY-ID=\"A\"", ",PATHWAY-ID=\"B\""];
    let steering = "#EXT-X-CONTENT-STEERING:SERVER-URI=\"s\",PATHWAY-ID=\"B\"\n";
    let found = sets(&[steering, &two_servers(pathways)].concat());
    assert_eq!(uris(&found[0]), ["b/1", "b/2"]);
    assert_eq!(found[1].representations[0].copies, ["a/lo-en"]);
    let unknown = steering.replace("\"B\"", "\"C\"");
    assert_eq!(
        uris(&sets(&[&unknown, &*two_servers(pathways)].concat())[0]),
        ["a/1", "a/2"]
    );
}

#[test]
fn second_subtitles_of_a_name_are_a_copy() {
    let playlist = read_multivariant(
        "#EXT-X-MEDIA:TYPE=SUBTITLES,GROUP-ID=\"s\",NAME=\"x\",URI=\"s/x\"\n\
         #EXT-X-MEDIA:TYPE=SUBTITLES,GROUP-ID=\"t\",NAME=\"x\",URI=\"t/x\"\n\
         #EXT-X-STREAM-INF:BANDWIDTH=9,SUBTITLES=\"s\"\nv\n",
    );
    let [track] = playlist.presentation.captions.as_slice() else {
        panic!("{:?}", playlist.presentation.captions);
    };
    assert_eq!(track.files[0].copies, ["t/x"]);
}
