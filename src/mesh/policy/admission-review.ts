import type { AdmissionAnswer, AdmissionRequest } from '#kube/api/admission-review.ts';
import { refuse } from './core/admission.ts';

/** As much of an AdmissionReview as is looked at; whoever sends it may leave anything out. */
interface Review {
  apiVersion?: string;
  request?: Pick<AdmissionRequest, 'uid' | 'object'> & { kind: { group: string; kind: string } };
}

/** Answers an AdmissionReview as the policy controller's webhook does. */
export function reviewPolicy(review: Review | null): AdmissionAnswer {
  const request = review?.request;
  if (!request?.uid) {
    return {
      apiVersion: review?.apiVersion ?? 'admission.k8s.io/v1',
      kind: 'AdmissionReview',
      response: { uid: '', allowed: false, status: { message: 'Invalid request: request is missing', code: 400 } },
    };
  }
  const refusal = request.object ? refuse(request.object, request.kind.group, request.kind.kind) : undefined;
  return {
    apiVersion: review?.apiVersion ?? 'admission.k8s.io/v1',
    kind: 'AdmissionReview',
    response: refusal
      ? { uid: request.uid, allowed: false, status: { message: refusal } }
      : { uid: request.uid, allowed: true },
  };
}
