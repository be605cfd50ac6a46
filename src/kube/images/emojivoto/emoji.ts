const names =
  'joy sunglasses doughnut stuck_out_tongue_winking_eye money_mouth_face flushed mask nerd_face ghost skull_and_crossbones heart_eyes_cat hear_no_evil see_no_evil speak_no_evil boy girl man woman older_man policeman guardsman construction_worker_man prince princess man_in_tuxedo bride_with_veil mrs_claus santa turkey rabbit no_good_woman ok_woman raising_hand_woman bowing_man man_facepalming woman_shrugging massage_woman walking_man running_man dancer man_dancing dancing_women rainbow skier golfing_man surfing_man basketball_man biking_man point_up_2 vulcan_salute metal call_me_hand thumbsup wave clap raised_hands pray dog cat2 pig hatching_chick snail bacon pizza taco burrito ramen champagne tropical_drink beer tumbler_glass world_map beach_umbrella mountain_snow camping steam_locomotive flight_departure rocket star2 sun_behind_small_cloud cloud_with_rain fire jack_o_lantern balloon tada trophy iphone pager fax bulb money_with_wings crystal_ball underage interrobang 100 checkered_flag crossed_swords floppy_disk poop';
const pictures =
  '1f602 1f60e 1f369 1f61c 1f911 1f633 1f637 1f913 1f47b 2620 1f63b 1f649 1f648 1f64a 1f466 1f467 1f468 1f469 1f474 1f46e 1f482 1f477 1f934 1f478 1f935 1f470 1f936 1f385 1f983 1f430 1f645 1f646 1f64b 1f647 1f926 1f937 1f486 1f6b6 1f3c3 1f483 1f57a 1f46f 1f308 26f7 1f3cc 1f3c4 26f9 1f6b4 1f446 1f596 1f918 1f919 1f44d 1f44b 1f44f 1f64c 1f64f 1f415 1f408 1f416 1f423 1f40c 1f953 1f355 1f32e 1f32f 1f35c 1f37e 1f379 1f37a 1f943 1f5fa 1f3d6 1f3d4 1f3d5 1f682 1f6eb 1f680 1f31f 1f324 1f327 1f525 1f383 1f388 1f389 1f3c6 1f4f1 1f4df 1f4e0 1f4a1 1f4b8 1f52e 1f51e 2049 1f4af 1f3c1 2694 1f4be 1f4a9';

const codes = pictures.split(' ');

export interface Emoji {
  unicode: string;
  shortcode: string;
}

/** The candidates, in the order of `/api/list`. */
export const EMOJI: readonly Emoji[] = names.split(' ').map((name, index) => ({
  shortcode: `:${name}:`,
  unicode: String.fromCodePoint(Number.parseInt(codes[index]!, 16)),
}));

/** The method that votes for a candidate: `:stuck_out_tongue:` is `VoteStuckOutTongue`. */
export function methodOf(shortcode: string): string {
  const words = shortcode.replaceAll(':', '').split('_');
  const name = words.map((word) => word.charAt(0).toUpperCase() + word.slice(1)).join('');
  return `/emojivoto.v1.VotingService/Vote${name}`;
}
